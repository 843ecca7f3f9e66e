"""EnableAlarmActions."""

from statordb.cloudwatch_api.acting import act
from statordb.cloudwatch_api.context import Answer, Context, Request


async def enable_alarm_actions(context: Context, request: Request) -> Answer:
    await act(context, request, True)
    return {}

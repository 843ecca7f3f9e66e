"""CloudWatch's API by the AWS CLI, of a server that checks signatures."""

from pathlib import Path

import pytest
from tests.sdk.awscli import run_aws
from tests.sdk.conftest import Login
from tests.sdk.story import Failure


@pytest.mark.slow
def test_an_alarm_as_a_newcomer_makes_it(tools: Path, signed_login: Login) -> None:
    def aws(*arguments: str) -> object:
        return run_aws(tools, signed_login, *arguments, service="cloudwatch")

    alarm = (
        *("--alarm-name", "errors", "--namespace", "AWS/DynamoDB", "--metric-name", "UserErrors", "--statistic", "Sum"),
        *("--period", "60", "--evaluation-periods", "1", "--threshold", "1"),
    )
    assert aws("put-metric-alarm", *alarm, "--comparison-operator", "GreaterThanThreshold") == {}
    told = run_aws(tools, signed_login, "describe-alarms", "--alarm-names", "errors", service="cloudwatch")
    assert [each["MetricName"] for each in told["MetricAlarms"]] == ["UserErrors"]
    told = run_aws(tools, signed_login, "list-metrics", "--namespace", "AWS/Usage", service="cloudwatch")
    assert "TableCount" in {each["Value"] for metric in told["Metrics"] for each in metric["Dimensions"]}
    missing = ("--alarm-name", "none", "--state-value", "OK", "--state-reason", "a test")
    assert aws("set-alarm-state", *missing) == Failure("ResourceNotFound")
    assert aws("delete-alarms", "--alarm-names", "errors") == {}

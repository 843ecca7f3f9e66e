"""CloudWatch's API beside DynamoDB's on one port, by boto3 in each protocol that it speaks."""

import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import PATIENT

Client = Any


@pytest.fixture(params=["smithy-rpc-v2-cbor", "json", "query"], scope="module")
def cloudwatch(server: str, request: pytest.FixtureRequest) -> Client:
    """A client whose model has one protocol only: botocore takes the first that it knows."""
    session = boto3.session.Session()
    loader = session._session.get_component("data_loader")
    whole = loader.load_service_model

    def of_one_protocol(service: str, *arguments: Any, **named: Any) -> Any:
        model = whole(service, *arguments, **named)
        return (
            {**model, "metadata": {**model["metadata"], "protocols": [request.param]}} if "metadata" in model else model
        )

    loader.load_service_model = of_one_protocol
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, **PATIENT)
    client = session.client("cloudwatch", endpoint_url=server, config=config)
    assert client.meta.service_model.resolved_protocol == request.param
    return client


def test_the_life_of_an_alarm(cloudwatch: Client) -> None:
    name = f"suite-{uuid.uuid4().hex}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/DynamoDB",
        MetricName="UserErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("OK", "a test", 0.5)
    cloudwatch.delete_alarms(AlarmNames=[name])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="")
    with pytest.raises(ClientError) as caught:
        cloudwatch.put_metric_data(Namespace="own", MetricData=[{"MetricName": "a", "Value": 1.0}])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501

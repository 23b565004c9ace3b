"""What a plugin declares beside what it decides: its attributes and its workflows, as messages."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gonghai.policy.v1 import policy_service_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_engine.describe import WorkflowDescription
    from gonghai_plugin import Attribute


class Declared(StrEnum):
    """What is listed among an industry's policies and has no rules: nothing decides by it."""

    ATTRIBUTES = "attributes"
    WORKFLOWS = "workflows"


def attribute_message(attribute: Attribute) -> policy_service_pb2.AttributeDeclaration:
    """Return an attribute as its plugin declares it."""
    message = policy_service_pb2.AttributeDeclaration(
        attribute=attribute.name,
        type=str(attribute.type),
        label_en=attribute.label.en,
        label_zh=attribute.label.zh,
        required=attribute.required,
        sensitive=attribute.sensitive,
        minimum=attribute.minimum,
        maximum=attribute.maximum,
    )
    for value in attribute.type.values or ():
        label = attribute.value_labels.get(value)
        message.values.add(
            value=value,
            label_en=label.en if label else value,
            label_zh=label.zh if label else value,
        )
    return message


def workflow_message(
    workflow: WorkflowDescription, filled: Callable[[str], str] = str
) -> policy_service_pb2.Workflow:
    """Return a workflow; ``filled`` puts the values of settings into a transition's text."""
    return policy_service_pb2.Workflow(
        workflow=workflow.name,
        title_en=workflow.title.en,
        title_zh=workflow.title.zh,
        states=workflow.states,
        transitions=map(filled, workflow.transitions),
    )

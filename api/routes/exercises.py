"""Exercises: which there were, and what was done in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api import parameters as p
from api.access import require
from api.cursors import encode, number_key
from api.models import exercises as models
from api.models.wire import Page
from api.problems import not_found
from api.service import Services
from domain import after_action
from domain.access import Role
from domain.exercise import Exercise
from domain.times import to_datetime
from storage import exercises as storage

router = APIRouter(prefix="/api/v1/exercises", tags=["exercises"], dependencies=[Depends(require(Role.VIEWER))])

ExerciseId = Annotated[int, Path(description="Number of the exercise.", ge=1, le=p.LAST_INTEGER, examples=[3])]


@router.get("", summary="Exercises · 演练")
def exercises(
    request: Request, response: Response, service: Services, cursor: p.Cursor = None, limit: p.Limit = 100
) -> Page[models.Exercise]:
    """Every exercise, the newest first."""
    before = number_key("exercises", cursor, maximum=p.LAST_INTEGER)
    with service.database() as connection:
        found = storage.exercises(connection, before=before, limit=limit + 1)
    following = encode("exercises", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[_exercise(one) for one in found[:limit]], next=following)


@router.get("/{id}/report", summary="After-action report · 演练评估报告")
def report(service: Services, id: ExerciseId) -> models.Report:  # noqa: A002 - the name in the path
    """What the platform and people did, against what was planned; docs/drills.md defines every measure."""
    with service.database() as connection:
        found = storage.get(connection, id)
        if found is None:
            raise not_found("exercise", id)
        told = storage.told(connection, id)
    return _report(after_action.report(found, told, closing=storage.ENDED))


def _exercise(one: Exercise) -> models.Exercise:
    return models.Exercise(
        id=one.id,
        title_en=one.title.en,
        title_zh=one.title.zh,
        scenario=one.scenario,
        running=one.running,
        started_by=one.started_by,
        started_at=to_datetime(one.started_at),
        begins_at=None if one.pace is None else to_datetime(one.pace.begins),
        speed=None if one.pace is None else one.pace.speed,
        ended_at=None if one.ended_at is None else to_datetime(one.ended_at),
        ended_by=one.ended_by,
    )


def _report(done: after_action.Report) -> models.Report:
    plan = done.exercise.plan
    return models.Report(
        exercise=_exercise(done.exercise),
        incident_at=None if done.incident_at is None else to_datetime(done.incident_at),
        passed=done.passed,
        missed=done.missed,
        late=done.late,
        detections=[
            models.Detection(
                rules=list(one.expected.rules),
                expected_by_s=one.expected.by_s - plan.incident_s,
                verdict=one.verdict,
                alert=one.alert,
                title_en=None if one.title is None else one.title.en,
                title_zh=None if one.title is None else one.title.zh,
                level=one.level,  # type: ignore[arg-type]  # a level by its name
                raised_at=None if one.raised_at is None else to_datetime(one.raised_at),
                detect_s=one.detect_s,
                store_s=one.store_s,
                notify_s=one.notify_s,
                acknowledge_s=one.acknowledge_s,
                acknowledged_by=one.acknowledged_by,
                escalate_s=one.escalate_s,
                escalated_by=one.escalated_by,
                escalated_to=one.escalated_to,
                clear_s=one.clear_s,
                closed_by_end=one.closed_by_end,
            )
            for one in done.detections
        ],
        steps=[
            models.Step(
                step=one.step.name,
                text_en=one.step.text.en,
                text_zh=one.step.text.zh,
                within_s=one.step.within_s,
                verdict=one.verdict,
                alert=one.alert,
                seconds=one.seconds,
                by=one.by,
            )
            for one in done.steps
        ],
        alerts=done.alerts,
        announced=done.announced,
        unexpected=[one.id for one in done.others],
    )

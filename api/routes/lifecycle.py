"""What operators do to alerts beyond acknowledging them, and why an alert is what it is."""

import structlog
from fastapi import APIRouter, Depends

from api import explanation
from api import parameters as p
from api.access import Admin, Operator, require
from api.models.alerts import AlertDetail, AlertSummary, EscalateRequest, Fact
from api.models.alerts import Shelving as ShelvingModel
from api.models.lifecycle import ActRequest, AlertReference, Explanation, OutOfServiceRequest, ShelveRequest
from api.problems import Problem, not_found
from api.routes.alerts import detail
from api.service import Services
from domain.access import Role
from storage import alert_reading, lifecycle, rule_reading

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


def _done(found: bool, id_: int, what: str, bearer: str, operator: str) -> None:  # noqa: FBT001
    if not found:
        raise not_found("alert", id_)
    log.info(what, alert=id_, operator=operator, bearer=bearer)


@router.post("/{id}/escalate", summary="Escalate an alert · 升级上报")
def escalate(service: Services, bearer: Operator, id: p.BigId, body: EscalateRequest) -> AlertDetail:  # noqa: A002
    """An operator hands an alert on to somebody above; whoever is told of the alert is told of that. Needs operator.

    Where `to` is the name of an address, that address is told as well, and of everything that follows. May be done
    again, to somebody else. 409 when the alert is over.
    """
    with service.database() as connection:
        found = lifecycle.escalate(connection, id, operator=body.operator, addressee=body.to, comment=body.note)
    _done(found, id, "alert_escalated", bearer.name, body.operator)
    return detail(service, id)


@router.post("/{id}/shelve", summary="Shelve an alert · 搁置警情")
def shelve(service: Services, bearer: Operator, id: p.BigId, body: ShelveRequest) -> AlertDetail:  # noqa: A002
    """Nothing of the alert's rule on its subject is announced for a while. Needs operator.

    It unshelves by itself when the time has run out (one_shot: also when it clears), and is announced again if its
    condition still holds. 409 when it is over, shelved already, or out of service.
    """
    seconds = body.duration_s if body.mode == "timed" or body.duration_s else service.shelve_max_s
    if seconds is None:
        raise Problem(422, "duration-missing", "A timed shelving needs its duration", "Add `duration_s`, in seconds.")
    if seconds > service.shelve_max_s:
        raise Problem(
            422,
            "shelved-too-long",
            "The alert cannot be shelved for so long",
            f"At most {service.shelve_max_s} s: shelve it again when they are over, or take it out of service.",
            maximum_s=service.shelve_max_s,
        )
    with service.database() as connection:
        found = lifecycle.shelve(
            connection,
            id,
            mode=body.mode,
            seconds=seconds,
            reason=body.reason,
            operator=body.operator,
            now=service.clock(),
        )
    _done(found, id, "alert_shelved", bearer.name, body.operator)
    return detail(service, id)


@router.post("/{id}/unshelve", summary="Unshelve an alert · 取消搁置")
def unshelve(service: Services, bearer: Operator, id: p.BigId, body: ActRequest) -> AlertDetail:  # noqa: A002
    """Ends a shelving before its time; what is still active is announced, and is to be acknowledged. Needs operator.

    409 when it is not shelved.
    """
    with service.database() as connection:
        found = lifecycle.unshelve(connection, id, operator=body.operator, comment=body.comment, now=service.clock())
    _done(found, id, "alert_unshelved", bearer.name, body.operator)
    return detail(service, id)


@router.post("/{id}/reset", summary="Reset a latched alert · 复位警情")
def reset(service: Services, bearer: Operator, id: p.BigId, body: ActRequest) -> AlertDetail:  # noqa: A002
    """Ends a latched alert whose condition is over and that is acknowledged. Needs operator.

    409 when it is not latched, still active, or not acknowledged.
    """
    with service.database() as connection:
        found = lifecycle.reset(connection, id, operator=body.operator, comment=body.comment)
    _done(found, id, "alert_reset", bearer.name, body.operator)
    return detail(service, id)


@router.post("/{id}/out-of-service", summary="Take out of service · 停用")
def out_of_service(service: Services, bearer: Admin, id: p.BigId, body: OutOfServiceRequest) -> AlertDetail:  # noqa: A002
    """Nothing of the alert's rule on its subject, of its device or of its asset is announced any more. Needs admin.

    It stays so until a person returns it to service. 409 when it is out of service already.
    """
    with service.database() as connection:
        try:
            found = lifecycle.take_out_of_service(
                connection, id, scope=body.scope, reason=body.reason, operator=body.operator, now=service.clock()
            )
        except lifecycle.NoSuchScopeError as exc:
            raise Problem(422, "no-such-scope", "There is nothing to take out of service", f"{exc}.") from None
    _done(found, id, "taken_out_of_service", bearer.name, body.operator)
    return detail(service, id)


@router.post("/{id}/in-service", summary="Return to service · 恢复投用")
def in_service(service: Services, bearer: Admin, id: p.BigId, body: ActRequest) -> AlertDetail:  # noqa: A002
    """Ends everything that keeps the alert out of service; what is active is announced. Needs admin.

    Entries of its device or asset end as well, and with them those of all their alerts. 409 when it is in service.
    """
    with service.database() as connection:
        found = lifecycle.return_to_service(
            connection, id, operator=body.operator, comment=body.comment, now=service.clock()
        )
    _done(found, id, "returned_to_service", bearer.name, body.operator)
    return detail(service, id)


@router.get("/{id}/explanation", summary="Why · 警情说明", dependencies=[Depends(require(Role.VIEWER))])
def explain(service: Services, id: p.BigId) -> Explanation:  # noqa: A002
    """Which readings it rests on, which limit, since when, what to do, and what holds it back or explains it."""
    with service.database() as connection:
        found = alert_reading.alert(connection, id)
        if found is None:
            raise not_found("alert", id)
        relations = rule_reading.relations(connection, id)
        rules = rule_reading.rules(connection, rule=found.rule)
    definition = rules[0].definition if rules else {}
    summary = AlertSummary.model_validate(found)
    return Explanation(
        alert=id,
        rule=found.rule,
        exercise=found.exercise,
        alarm_state=summary.alarm_state,
        level=summary.level,
        title_en=found.title_en,
        title_zh=found.title_zh,
        text_en=found.text_en,
        text_zh=found.text_zh,
        since=found.raised_at,
        level_since=found.level_at,
        until=found.cleared_at,
        facts=[Fact.model_validate(fact) for fact in found.facts],
        grounds=explanation.grounds(definition, found.level),
        what_to_do=explanation.rationalization(definition),
        held_back_by=explanation.held_back_by(found),
        shelving=ShelvingModel.model_validate(found.shelving) if found.shelving else None,
        cause=AlertReference.model_validate(relations.cause) if relations.cause else None,
        explains=relations.explains,
        corrected=relations.corrected,
    )

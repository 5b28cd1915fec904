"""Access as plain data, for the API and agents."""

from __future__ import annotations

from typing import Any

from callboard.plugins.rbac.models import AccessRequest, Grant, Policy
from callboard.plugins.rbac.selectors.explaining import ConditionNode, Explanation
from callboard.plugins.rbac.selectors.preview import Preview

SHOWN = 100


def policy_data(row: Policy, *, whole: bool = False) -> dict[str, Any]:
    """Answer a version; ``whole`` with its content."""
    found = {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "version": row.number,
        "revision": row.revision,
        "created_at": _iso(row.created_at),
        "created_by": row.created_by,
        "updated_at": _iso(row.updated_at),
        "updated_by": row.updated_by,
        "publish_at": _iso(row.publish_at),
        "published_at": _iso(row.published_at),
        "published_by": row.published_by,
        "ended_at": _iso(row.ended_at),
        "note": row.note,
    }
    return {**found, "document": row.document} if whole else found


def request_data(row: AccessRequest) -> dict[str, Any]:
    """Answer a request."""
    return {
        "id": str(row.pk),
        "who": row.who,
        "who_name": row.who_name,
        "role": row.role,
        "permission": row.permission,
        "reason": row.reason,
        "days": row.days,
        "state": row.state,
        "created_at": _iso(row.created_at),
        "decided_at": _iso(row.decided_at),
        "decided_by": row.decided_by,
        "answer": row.answer,
    }


def grant_data(row: Grant) -> dict[str, Any]:
    """Answer access that is granted for a time."""
    return {"id": row.pk, "role": row.role, "member": row.member, "until": _iso(row.until), "by": row.created_by}


def preview_data(seen: Preview) -> dict[str, Any]:
    """Answer what publishing would change; of long lists of people the first hundred."""
    return {
        "people": seen.people,
        "affected": seen.affected,
        "gaining": seen.gaining,
        "losing": seen.losing,
        "locked_out": seen.locked_out,
        "self_elevation": list(seen.elevated),
        "permissions": [
            {
                "permission": change.permission.id,
                "gained": len(change.gained),
                "lost": len(change.lost),
                "altered": len(change.altered),
                "who_gains": [who.ref for who in change.gained[:SHOWN]],
                "who_loses": [who.ref for who in change.lost[:SHOWN]],
                "resources_gained": change.resources_gained,
                "resources_lost": change.resources_lost,
            }
            for change in seen.changes
        ],
        "roles": [
            {
                "role": role.name,
                "joined": [who.ref for who in role.joined[:SHOWN]],
                "left": [who.ref for who in role.left[:SHOWN]],
            }
            for role in seen.roles
        ],
    }


def explanation_data(told: Explanation) -> dict[str, Any]:
    """Answer a decision with its chain."""
    return {
        "result": told.result.upper(),
        "reason": told.reason,
        "resolution": told.resolution,
        "roles": [{"name": held.role.name, "because": list(held.because), "until": held.until} for held in told.roles],
        "decisions": [{"role": item.role, "says": item.sentence, "counts": item.counts} for item in told.looked_at],
        "conditions": told.condition_data,
        "condition": _node(told.condition) if told.condition else None,
        "would_change": list(told.changes),
    }


def _node(node: ConditionNode) -> dict[str, Any]:
    return {"says": node.words, "met": node.met, "parts": [_node(part) for part in node.parts]}


def _iso(at: Any) -> str | None:
    return at.isoformat() if at is not None else None

"""Tasks: steps in order, conditions, failures, retries, interruptions, approvals, secrets."""

import pytest
from django.utils import timezone

from callboard.plugins.scaffolder.models import Approval, Draft, Origin, Task, TaskEvent, TaskStep, Workspace
from callboard.plugins.scaffolder.services import tasks as changing
from callboard.plugins.scaffolder.tests import stage
from callboard.plugins.scaffolder.tests.stage import ANN, BOB, log, publish, run, start, states, template, work
from callboard.plugins.scaffolder.types.tasks import (
    ScaffolderError,
    StateError,
    UnknownTaskError,
    UnknownTemplateError,
    WrongAnswersError,
)
from callboard.sdk.auth import GUEST, OPERATOR, SYSTEM, Principal, act_as
from callboard.sdk.contributions import ScaffolderAction
from callboard.sdk.jobs import JobCancelledError, JobContext
from callboard.sdk.permissions import NotAllowedError
from callboard.sdk.plugins import registry

pytestmark = pytest.mark.django_db


def say(message, **more):
    return {"action": "debug:log", "input": {"message": message}, **more}


@pytest.fixture
def deeds():
    """An action that does something in the world, and what it did."""
    done = []

    def act(given, context):
        done.append(given.get("what"))
        if given.get("fails") and len(done) <= given["fails"]:
            raise RuntimeError("the rope broke")
        if given.get("secret"):
            context.log(f"using {given['secret']}")
        context.receipt("thing", f"Made {given.get('what')}")
        return {"what": given.get("what"), "echo": given.get("secret", "")}

    action = ScaffolderAction(
        id="test:act",
        input_schema={"type": "object", "properties": {"what": {"type": "string"}}},
        output_schema={"type": "object", "properties": {"what": {"type": "string"}}},
        run=act,
    )
    before = registry._by_type[ScaffolderAction]
    registry._by_type[ScaffolderAction] = [*before, ("scaffolder", action)]
    yield done
    registry._by_type[ScaffolderAction] = before


def test_steps_run_in_order_and_hand_on_their_output(tmp_path):
    steps = [
        {"id": "one", "name": "First", "action": "data:query", "input": {"data": {"a": [1, 2]}, "expression": "a"}},
        say(
            "got ${{ steps.one.output.result }} for ${{ parameters.name }} by ${{ user.ref }} in ${{ context.task.id }}"
        ),
        say("never", **{"if": "${{ parameters.nope }}"}),
        say("never", **{"if": False}),
        say("never", **{"if": "${{ [] }}"}),
        say("never", **{"if": "${{ 'false' }}"}),
        say("yes", **{"if": "${{ parameters.name === 'shop' }}"}),
    ]
    output = {
        "links": [
            {"title": "Shown", "url": "https://x.example/${{ parameters.name }}"},
            {"title": "Hidden", "url": "https://y.example", "if": "${{ parameters.nope }}"},
        ],
        "count": "${{ steps.one.output.result | length }}",
    }
    task = run(publish(tmp_path, template(steps=steps, output=output)), {"name": "shop"})
    assert task.status == "completed", log(task)
    assert f"got 1,2 for shop by user:default/ann in {task.pk}" in log(task)
    assert states(task) == {
        "one": "completed", "step-2": "completed", "step-3": "skipped", "step-4": "skipped", "step-5": "skipped",
        "step-6": "skipped", "step-7": "completed",
    }  # fmt: skip
    assert task.output == {"links": [{"title": "Shown", "url": "https://x.example/shop"}], "count": 2}
    last = TaskEvent.objects.filter(task=task).last()
    assert (last.type, last.body["output"]["count"]) == ("completion", 2)


def test_each_runs_a_step_for_every_item_and_gathers_the_outputs(tmp_path):
    steps = [
        {"id": "q", "action": "data:query", "each": "${{ parameters.list }}",
         "input": {"data": {"v": "${{ each.key }}:${{ each.value }}"}, "expression": "v"}},
        {"id": "o", "action": "data:query", "each": {"a": 1}, "input": {"data": {"v": "${{ each.key }}${{ each.value }}"}, "expression": "v"}},
    ]  # fmt: skip
    ref = publish(
        tmp_path,
        template(steps=steps, output={"all": "${{ steps.q.output.result }}", "o": "${{ steps.o.output.result }}"}),
    )
    assert run(ref, {"list": ["x", "y"]}).output == {"all": ["0:x", "1:y"], "o": ["a1"]}
    assert "each: a list or an object was expected" in run(ref, {"list": 7}).error


def test_after_a_failure_only_always_and_failure_run(tmp_path):
    steps = [
        {"id": "bad", "action": "fs:rename", "input": {"files": [{"from": "none", "to": "other"}]}},
        say("plain", id="plain"),
        say("clean", id="clean", **{"if": "${{ always() }}"}),
        say("sorry", id="sorry", **{"if": "${{ failure() }}"}),
        say("no", id="no", **{"if": "${{ failure() and parameters.nope }}"}),
    ]
    task = run(publish(tmp_path, template(steps=steps)))
    assert task.status == "failed"
    assert "none does not exist" in task.error
    assert states(task) == {
        "bad": "failed",
        "plain": "skipped",
        "clean": "completed",
        "sorry": "completed",
        "no": "skipped",
    }
    good = run(
        publish(
            tmp_path,
            template("good", steps=[say("a", **{"if": "${{ failure() }}"}), say("b", **{"if": "${{ always() }}"})]),
        )
    )
    assert list(states(good).values()) == ["skipped", "completed"]


def test_a_missing_action_says_so_and_names_the_nearest(tmp_path):
    task = run(publish(tmp_path, template(steps=[{"action": "debug:lok"}])))
    assert task.status == "failed"
    assert "no action called 'debug:lok'" in task.error
    assert "debug:log" in task.error


def test_wrong_input_of_an_action_names_the_field(tmp_path):
    task = run(publish(tmp_path, template(steps=[{"action": "debug:wait", "input": {"seconds": "many"}}])))
    assert "Invalid input passed to action debug:wait, seconds: This must be a number." in task.error


def test_answers_are_checked_before_a_task_begins(tmp_path):
    parameters = {"required": ["name"], "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}}
    ref = publish(tmp_path, template(parameters=[parameters, {"properties": {"n": {"type": "integer"}}}]))
    with pytest.raises(WrongAnswersError) as wrong:
        start(ref, {"n": "x"})
    assert [(m.path, m.message) for m in wrong.value.mistakes] == [
        (("name",), "This is needed."), (("n",), "This must be a whole number."),
    ]  # fmt: skip
    assert wrong.value.pages == [0, 1]
    with pytest.raises(UnknownTemplateError):
        start("template:default/none")
    assert Task.objects.count() == 0


def test_a_retry_goes_on_from_the_step_that_failed(tmp_path, deeds):
    steps = [
        {"id": "files", "action": "roadiehq:utils:fs:write", "input": {"path": "a.txt", "content": "kept"}},
        {"id": "once", "action": "test:act", "input": {"what": "once"}},
        {"id": "shaky", "action": "test:act", "input": {"what": "shaky", "fails": 2}},
        {"id": "look", "action": "debug:log", "input": {"listWorkspace": "with-contents"}},
    ]
    task = run(publish(tmp_path, template(steps=steps)))
    assert (task.status, deeds) == ("failed", ["once", "shaky"])
    assert "RuntimeError: the rope broke" in task.error
    assert states(task)["look"] == "skipped"
    with act_as(ANN, "api"):
        changing.retry_task(task.pk)
    work()
    task.refresh_from_db()
    assert (task.status, deeds) == ("completed", ["once", "shaky", "shaky"])
    assert "kept" in log(task)
    assert not Workspace.objects.filter(task=task).exists()
    with act_as(ANN, "api"), pytest.raises(StateError, match="Only failed"):
        changing.retry_task(task.pk)


def interrupted(task, n):
    """Leave a task as a worker leaves it that is killed in the midst of a step."""
    TaskStep.objects.filter(task=task, n__lt=n).update(status="completed")
    TaskStep.objects.filter(task=task, n=n).update(status="processing")
    Task.objects.filter(pk=task.pk).update(status="processing")


def test_a_step_that_was_interrupted_is_not_repeated_unasked(tmp_path, deeds):
    ref = publish(
        tmp_path,
        template(
            steps=[
                {"id": "deed", "action": "test:act", "input": {"what": "deed"}},
                say("after ${{ steps.deed.output.url }}"),
            ]
        ),
    )
    task = start(ref)
    interrupted(task, 0)
    stage.run_one(task)
    task.refresh_from_db()
    assert (task.status, deeds) == ("failed", [])
    assert "nobody knows whether it happened" in task.error
    assert TaskEvent.objects.filter(task=task, type="recovered").count() == 1
    with act_as(ANN, "api"):
        with pytest.raises(StateError, match="was interrupted"):
            changing.retry_task(task.pk)
        changing.settle_doubt(task.pk, 0, happened=True, output={"url": "https://there"})
        changing.retry_task(task.pk)
    assert work() == 1
    task.refresh_from_db()
    assert (task.status, deeds) == ("completed", [])
    assert "after https://there" in log(task)


def test_a_step_that_did_not_happen_runs_again_when_the_person_says_so(tmp_path, deeds):
    task = start(publish(tmp_path, template(steps=[{"id": "deed", "action": "test:act", "input": {"what": "deed"}}])))
    interrupted(task, 0)
    stage.run_one(task)
    with act_as(ANN, "api"):
        changing.settle_doubt(task.pk, 0, happened=False)
        changing.retry_task(task.pk)
    work()
    task.refresh_from_db()
    assert (task.status, deeds) == ("completed", ["deed"])


def test_a_harmless_step_that_was_interrupted_begins_again(tmp_path):
    task = start(publish(tmp_path, template(steps=[say("hello")])))
    interrupted(task, 0)
    stage.run_one(task)
    task.refresh_from_db()
    assert task.status == "completed"
    assert "was interrupted and begins again" in log(task)


def test_a_checkpoint_is_not_repeated(tmp_path, deeds):
    steps = [
        {
            "id": "e",
            "action": "test:act",
            "each": ["a", "b", "c"],
            "input": {"what": "${{ each.value }}", "fails": "${{ 2 if each.value == 'b' else 0 }}"},
        }
    ]
    task = run(publish(tmp_path, template(steps=steps)))
    assert (task.status, deeds) == ("failed", ["a", "b"])
    with act_as(ANN, "api"):
        changing.retry_task(task.pk)
    work()
    task.refresh_from_db()
    assert (task.status, deeds) == ("completed", ["a", "b", "b", "c"])


def test_secrets_are_sealed_masked_and_wiped(tmp_path, deeds):
    secret = "hunter2-is-long"
    steps = [
        {"id": "use", "action": "test:act", "input": {"what": "w", "secret": "${{ secrets.token }}"}},
        {"id": "again", "action": "test:act", "input": {"what": "${{ steps.use.output.echo }}"}},
        say(
            "leak ${{ steps.use.output.echo }} ${{ secrets.token | urlencode }} ${{ secrets.token.split('-') | join('-') }}"
        ),
        say("none ${{ parameters.secret }}", **{"if": "${{ not secrets.token }}"}),
    ]
    output = {"echo": "${{ steps.use.output.echo }}", "direct": "${{ secrets.token }}"}
    schema = {"schema": {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}}
    ref = publish(tmp_path, template(steps=steps, output=output, secrets=schema))
    task = start(ref, secrets={"token": secret})
    assert task.secrets
    assert secret not in task.secrets
    work()
    task.refresh_from_db()
    assert task.status == "completed", log(task)
    assert deeds == ["w", secret]
    assert task.output == {"echo": "***"}
    assert task.secrets == ""
    everything = repr([list(m.objects.values()) for m in (Task, TaskStep, TaskEvent, Draft, Approval)])
    assert secret not in everything
    assert states(task)["step-4"] == "completed"  # secrets are seen by inputs alone
    with pytest.raises(WrongAnswersError) as wrong:
        start(ref)
    assert wrong.value.mistakes[0].path == ("secrets", "token")


def test_a_retry_asks_for_the_secrets_again(tmp_path, deeds):
    ref = publish(tmp_path, template(steps=[{"action": "test:act", "input": {"what": "${{ secrets.k }}", "fails": 1}}]))
    task = run(ref, secrets={"k": "first-secret"})
    assert task.status == "failed"
    with act_as(ANN, "api"):
        with pytest.raises(StateError, match="needs its secrets again"):
            changing.retry_task(task.pk)
        changing.retry_task(task.pk, {"k": "second-secret"})
    work()
    assert deeds == ["first-secret", "second-secret"]


def test_a_waiting_task_is_cancelled_at_once_and_a_running_one_soon(tmp_path):
    ref = publish(
        tmp_path, template(steps=[{"id": "w", "action": "debug:wait", "input": {"seconds": 60}}, say("after")])
    )
    task = start(ref)
    with act_as(ANN, "api"):
        assert changing.cancel_task(task.pk).status == "cancelled"
        with pytest.raises(StateError, match="is over"):
            changing.cancel_task(task.pk)
    running = start(ref)
    job = JobContext(running.run_id, running.pk)
    job.stop(JobCancelledError("the run was cancelled"))
    assert isinstance(stage.run_one(running, job), JobCancelledError)
    running.refresh_from_db()
    assert running.status == "cancelled"
    assert TaskEvent.objects.filter(task=running, type="cancelled").count() == 1


def test_only_so_many_tasks_run_at_once_and_the_oldest_goes_first(tmp_path):
    ref = publish(tmp_path, template(steps=[say("hello")]))
    with stage.settings(concurrent_tasks=2):
        found = [start(ref) for _ in range(4)]
        assert [bool(task.run_id) for task in found] == [True, True, False, False]
        stage.run_one(found[1])
        found[2].refresh_from_db()
        found[3].refresh_from_db()
        assert (bool(found[2].run_id), bool(found[3].run_id)) == (True, False)
        assert work() == 3
    assert set(Task.objects.values_list("status", flat=True)) == {"completed"}


def test_a_step_and_a_task_have_a_time_limit(tmp_path):
    ref = publish(
        tmp_path, template(steps=[{"action": "debug:wait", "input": {"seconds": 30}, "callboard:timeout": 0.001}])
    )
    assert "step took longer" in run(ref).error
    with stage.settings(task_minutes=0.001):
        other = publish(tmp_path, template("slow", steps=[{"action": "debug:wait", "input": {"seconds": 30}}]))
        assert "task took longer" in run(other).error


# --- Agreeing -------------------------------------------------------------------------


def approval(**more):
    return {"by": ["group:default/pears"], **more}


def test_a_step_waits_until_somebody_else_agrees(tmp_path, deeds):
    steps = [
        {"action": "roadiehq:utils:fs:write", "input": {"path": "a.txt", "content": "kept"}},
        {
            "id": "deed",
            "name": "Buy it",
            "action": "test:act",
            "input": {"what": "deed"},
            "callboard:approval": approval(reason=True),
        },
        {"action": "debug:log", "input": {"listWorkspace": "with-contents"}},
    ]
    task = run(publish(tmp_path, template(steps=steps)))
    assert (task.status, task.waits, task.run_id, deeds) == ("open", "approval", None, [])
    asked = Approval.objects.get(task=task)
    stranger = Principal("user", "user:default/eve", "Eve", ("user:default/eve",))
    with act_as(stranger, "ui"), pytest.raises(NotAllowedError, match="group:default/pears"):
        changing.decide_approval(asked.pk, agree=True, reason="me too")
    with act_as(BOB, "ui"):
        with pytest.raises(StateError, match="reason"):
            changing.decide_approval(asked.pk, agree=True)
        changing.decide_approval(asked.pk, agree=True, reason="it is in the budget")
        with pytest.raises(StateError, match="already"):
            changing.decide_approval(asked.pk, agree=False, reason="no")
    work()
    task.refresh_from_db()
    assert (task.status, deeds) == ("completed", ["deed"])
    assert "Bob agreed to Buy it: it is in the budget" in log(task)
    assert "kept" in log(task)


def test_four_eyes_are_four_even_in_the_right_group(tmp_path, deeds):
    steps = [{"action": "test:act", "input": {"what": "x"}, "callboard:approval": {"by": ["group:default/apples"]}}]
    task = run(publish(tmp_path, template(steps=steps)))
    asked = Approval.objects.get(task=task)
    with act_as(ANN, "ui"), pytest.raises(NotAllowedError, match="whoever started"):
        changing.decide_approval(asked.pk, agree=True)
    two_eyes = [{**steps[0], "callboard:approval": {"by": ["group:default/apples"], "fourEyes": False}}]
    other = run(publish(tmp_path, template("two", steps=two_eyes)))
    with act_as(ANN, "ui"):
        changing.decide_approval(Approval.objects.get(task=other).pk, agree=True)
    work()
    assert deeds == ["x"]


def test_a_refusal_and_silence_both_end_the_task(tmp_path, deeds):
    ref = publish(
        tmp_path,
        template(
            steps=[{"name": "Buy", "action": "test:act", "input": {"what": "x"}, "callboard:approval": approval()}]
        ),
    )
    refused, silent = run(ref), run(ref)
    with act_as(BOB, "ui"):
        changing.decide_approval(Approval.objects.get(task=refused).pk, agree=False, reason="too dear")
    Approval.objects.filter(task=silent).update(expires_at=timezone.now())
    with act_as(SYSTEM, "system"):
        assert changing.tend()["expired"] == 1
    work()
    refused.refresh_from_db()
    silent.refresh_from_db()
    assert (refused.status, silent.status, deeds) == ("failed", "failed", [])
    assert "Bob did not agree to this step: too dear" in refused.error
    assert "Nobody agreed to this step in time." in silent.error


# --- Who may --------------------------------------------------------------------------


def test_guests_start_nothing(tmp_path):
    ref = publish(tmp_path, template(steps=[say("x")]))
    with pytest.raises(NotAllowedError):
        start(ref, who=GUEST)
    assert not Task.objects.exists()


def test_nobody_finds_a_task_that_is_not_there():
    with act_as(OPERATOR, "api"):
        for wrong in ("nonsense", "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(UnknownTaskError):
                changing.cancel_task(wrong)


def test_a_task_whose_run_is_gone_is_failed_and_says_so(tmp_path, deeds):
    task = start(publish(tmp_path, template(steps=[{"action": "test:act", "input": {"what": "x"}}])))
    interrupted(task, 0)
    from callboard.sdk.jobs import Run

    Run.objects.filter(pk=task.run_id).update(state="failed", error="Its worker ended unexpectedly.")
    with act_as(SYSTEM, "system"):
        assert changing.tend()["lost"] == 1
    task.refresh_from_db()
    assert (task.status, task.error) == ("failed", "Its worker ended unexpectedly.")
    assert TaskStep.objects.get(task=task).in_doubt


def test_a_dry_run_does_nothing_outside(tmp_path, deeds):
    steps = [
        {"action": "roadiehq:utils:fs:write", "input": {"path": "a.txt", "content": "x"}},
        {"id": "deed", "action": "test:act", "input": {"what": "deed"}},
        say("then ${{ steps.deed.output.what }}"),
    ]
    task = run(publish(tmp_path, template(steps=steps)), dry_run=True)
    assert (task.status, deeds) == ("completed", [])
    assert "Skipping because test:act does not support dry-run" in log(task)
    assert "then <example>" in log(task)
    assert not Origin.objects.exists()


def test_a_broken_template_is_refused_with_the_place(tmp_path):
    broken = template(steps=[{"id": "a", "action": "debug:log"}, {"id": "a", "action": "debug:log"}])
    ref = publish(tmp_path, broken)
    with pytest.raises(ScaffolderError, match=r"spec\.steps\[1\]: another step has the id 'a' already"):
        start(ref)

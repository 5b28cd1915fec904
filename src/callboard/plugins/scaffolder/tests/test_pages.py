"""The pages: gallery, form, review, tasks."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from callboard.plugins.scaffolder.models import Draft, Task
from callboard.plugins.scaffolder.tests.stage import ANN, publish, run, start, template, work
from callboard.sdk.auth import create_user

pytestmark = pytest.mark.django_db
FORM = "/create/templates/default/t"


@pytest.fixture
def ann():
    user = create_user("ann", password="a long enough password")
    user.entity_ref = "user:default/ann"
    user.save()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text(response):
    return " ".join(response.content.decode().split())


def page(**properties):
    required = [name for name, part in properties.items() if part.pop("needed", False)]
    return {"title": "Page", "properties": properties, **({"required": required} if required else {})}


def say(**more):
    return {"action": "debug:log", "input": {"message": "${{ parameters | dump }}"}, **more}


def put(folder, *pages, **more):
    return publish(folder, template(parameters=list(pages), steps=[say()], **more))


def post(client, op="next", number=0, **answers):
    data = {"page": number, "op": op}
    for name, value in answers.items():
        data["f/" + name.replace("__", "/")] = value
    return client.post(FORM, data)


def test_the_gallery_shows_templates_and_narrows_them(ann, tmp_path):
    for name, kind in (("alpha", "service"), ("beta", "library")):
        entity = template(name, steps=[say()])
        entity["metadata"] |= {"description": f"Makes a {name}", "tags": [name]}
        entity["spec"]["type"] = kind
        publish(tmp_path, entity)
    shown = text(ann.get("/create"))
    assert "Alpha" in shown
    assert "Makes a beta" in shown
    for query, there, gone in (
        ({"type": "library"}, "beta", "alpha"),
        ({"tag": "alpha"}, "alpha", "beta"),
        ({"q": "makes beta"}, "beta", "alpha"),
    ):
        found = text(ann.get("/create", query))
        assert f"Makes a {there}" in found
        assert f"Makes a {gone}" not in found
    assert "No template matches" in text(ann.get("/create", {"q": "zeta"}))
    assert "No template matches" in text(ann.get("/create", {"only": "starred"}))


def test_a_form_from_first_page_to_task(ann, tmp_path):
    put(
        tmp_path,
        page(
            name={"type": "string", "title": "Name", "needed": True, "minLength": 3},
            db={"type": "boolean", "title": "Database"},
        ),
        page(size={"type": "integer", "title": "Size", "default": 3}),
    )
    assert "Name" in text(ann.get(FORM))
    wrong = post(ann, name="ab", db=["false", "true"])
    assert wrong.status_code == 422
    assert "at least 3 characters" in text(wrong)
    assert 'value="ab"' in text(wrong)
    good = post(ann, name="shop", db=["false", "true"])
    assert good.headers["Location"] == f"{FORM}?page=1"
    assert 'value="3"' in text(ann.get(good.headers["Location"]))
    review = ann.get(post(ann, number=1, size="5").headers["Location"])
    shown = text(review)
    assert all(part in shown for part in ("shop", "Yes", "Size", "5", "What will happen"))
    made = ann.post(FORM, {"page": 2, "op": "create"})
    task = Task.objects.get()
    assert made.headers["Location"] == reverse("create-task", args=[task.pk])
    assert task.spec["parameters"] == {"name": "shop", "db": True, "size": 5}
    assert task.created_by == "user:default/ann"
    assert not Draft.objects.exists()
    assert "task-tail" in text(ann.get(made.headers["Location"]))
    work()
    done = text(ann.get(made.headers["Location"]))
    assert "Completed" in done
    assert "task-tail" not in done


def test_a_draft_goes_on_where_it_was(ann, tmp_path):
    put(tmp_path, page(name={"type": "string"}), page(size={"type": "integer"}))
    post(ann, name="shop")
    assert "Size" in text(ann.get(FORM)) or "size" in text(ann.get(FORM))
    assert 'value="shop"' in text(ann.get(FORM, {"page": 0}))
    assert "Go on" in text(ann.get("/create"))
    post(ann, op="drop")
    assert not Draft.objects.exists()


def test_a_link_fills_in_the_form(ann, tmp_path):
    put(tmp_path, page(name={"type": "string"}))
    assert 'value="from-link"' in text(ann.get(FORM, {"formData": json.dumps({"name": "from-link"})}))
    for broken in ("{", "[1]", "null"):
        assert "no JSON object" in text(ann.get(FORM, {"formData": broken}))


def test_questions_that_depend_on_answers_come_and_go(ann, tmp_path):
    schema = {
        "title": "P", "properties": {"db": {"type": "boolean"}},
        "dependencies": {"db": {"oneOf": [
            {"properties": {"db": {"const": False}}},
            {"properties": {"db": {"const": True}, "engine": {"type": "string", "title": "Engine", "enum": ["pg", "my"], "enumNames": ["PostgreSQL", "MySQL"]}}, "required": ["engine"]},
        ]}},
    }  # fmt: skip
    put(tmp_path, schema)
    assert "Engine" not in text(ann.get(FORM))
    shape = "f/db:checkbox:"
    check = "/create/-/check/default/t"
    changed = text(ann.post(check, {"page": 0, "shape": shape, "f/db": ["false", "true"]}))
    assert "PostgreSQL" in changed
    assert 'hx-swap-oob="outerHTML"' in changed
    same = text(ann.post(check, {"page": 0, "shape": shape, "f/db": "false"}))
    assert "questions" not in same
    missing = post(ann, db=["false", "true"], engine="")
    assert missing.status_code == 422
    assert "This is needed" in text(missing)
    assert post(ann, db=["false", "true"], engine='"pg"').status_code == 302
    assert Draft.objects.get().values == {"db": True, "engine": "pg"}
    post(ann, db="false")
    assert Draft.objects.get().values == {"db": False}


def test_live_validation_speaks_of_what_is_filled_in_only(ann, tmp_path):
    put(tmp_path, page(mail={"type": "string", "format": "email"}, other={"type": "string", "needed": True}))
    answer = text(
        ann.post(
            "/create/-/check/default/t",
            {"page": 0, "shape": "f/mail:email:|f/other:text:", "f/mail": "nonsense", "f/other": ""},
        )
    )
    assert "an e-mail address, such as" in answer
    assert "needed" not in answer


def test_lists_grow_shrink_and_move(ann, tmp_path):
    put(
        tmp_path,
        page(
            items={
                "type": "array",
                "title": "Items",
                "items": {"type": "object", "properties": {"n": {"type": "string", "title": "N"}}},
            }
        ),
    )
    grown = post(ann, op="add:f/items", **{"items:n": "0"})
    assert 'name="f/items/0/n"' in text(grown)
    two = post(ann, op="add:f/items", **{"items:n": "1", "items/0/n": "a"})
    assert 'name="f/items/1/n"' in text(two)
    post(ann, op="down:f/items/0", **{"items:n": "2", "items/0/n": "a", "items/1/n": "b"})
    assert Draft.objects.get().values == {"items": [{"n": "b"}, {"n": "a"}]}
    post(ann, op="remove:f/items/0", **{"items:n": "2", "items/0/n": "b", "items/1/n": "a"})
    assert Draft.objects.get().values == {"items": [{"n": "a"}]}


def test_every_widget_is_shown_and_read(ann, tmp_path):
    properties = {
        "t": {"type": "string", "ui:widget": "textarea", "ui:options": {"rows": 7}},
        "p": {"type": "string", "ui:widget": "password"},
        "r": {"type": "string", "enum": ["a", "b"], "ui:widget": "radio"},
        "s": {"type": "string", "oneOf": [{"const": "x", "title": "Ex"}, {"const": "y", "title": "Why"}]},
        "c": {"type": "array", "items": {"type": "string", "enum": ["k", "l", "m"]}, "uniqueItems": True, "ui:widget": "checkboxes"},
        "n": {"type": "number", "minimum": 1}, "i": {"type": "integer", "enum": [1, 2, 3]},
        "d": {"type": "string", "format": "date"}, "h": {"type": "string", "ui:widget": "hidden", "default": "secretly"},
        "o": {"type": "object", "title": "Inner", "properties": {"x": {"type": "string", "ui:placeholder": "like this", "ui:help": "helpful", "ui:disabled": True}}},
        "b": {"type": "boolean", "ui:widget": "radio"},
        "e": {"type": "string", "ui:emptyValue": "empty!"},
    }  # fmt: skip
    put(tmp_path, {"title": "P", "properties": properties, "ui:order": ["d", "*", "t"]})
    shown = text(ann.get(FORM))
    for part in (
        'rows="7"',
        'type="password"',
        'type="radio"',
        "Why",
        'type="date"',
        "like this",
        "helpful",
        "Inner",
        "disabled",
    ):
        assert part in shown, part
    assert shown.index('id="q-d"') < shown.index('id="q-p"') < shown.index('id="q-t"')
    answers = {"t": "a\r\nb", "p": "pw", "r": '"b"', "s": '"y"', "c:n": "1", "c": ['"k"', '"m"'], "n": "1.5", "i": "2", "d": "2026-01-31", "h": "secretly", "b": "false", "e": "", "o/x": ""}  # fmt: skip
    post(ann, **answers)
    assert Draft.objects.get().values == {
        "t": "a\nb", "p": "pw", "r": "b", "s": "y", "c": ["k", "m"], "n": 1.5, "i": 2, "d": "2026-01-31", "h": "secretly", "b": False, "e": "empty!",
    }  # fmt: skip
    review = text(ann.get(FORM, {"page": "review"}))
    assert "pw" not in review.replace("pwa", "")
    assert "secretly" not in review


def test_pickers_offer_the_catalog(ann, tmp_path):
    put(
        tmp_path,
        page(
            owner={
                "type": "string",
                "title": "Owner",
                "ui:field": "OwnerPicker",
                "ui:options": {"catalogFilter": {"kind": "Template"}},
            },
            name={"type": "string", "ui:field": "EntityNamePicker"},
            repo={
                "type": "string",
                "ui:field": "RepoUrlPicker",
                "ui:options": {"allowedHosts": ["github.com"], "allowedOwners": ["acme"]},
            },
            tags={"type": "array", "ui:field": "EntityTagsPicker"},
            odd={"type": "string", "ui:field": "NobodyKnows"},
        ),
    )
    shown = text(ann.get(FORM))
    assert 'value="template:default/t"' in shown
    assert "No plugin brings the field NobodyKnows" in shown
    wrong = post(
        ann, name="-bad-", **{"repo:host": "evil.example", "repo:owner": "acme", "repo:repo": "x"}, tags="Bad Tag!"
    )
    assert wrong.status_code == 422
    said = text(wrong)
    assert "letters, digits" in said
    assert "must be one of github.com" in said
    assert "is no tag" in said
    post(
        ann,
        name="good",
        **{"repo:host": "github.com", "repo:owner": "acme", "repo:repo": "shop"},
        tags="a, b",
        owner="template:default/t",
    )
    assert Draft.objects.get().values == {
        "owner": "template:default/t", "name": "good", "repo": "github.com?owner=acme&repo=shop", "tags": ["a", "b"],
    }  # fmt: skip
    picked = text(
        ann.get("/create/-/pick", {"filter": '[{"kind":["template"]}]', "as": '{"defaultKind":"Template"}', "f/x": "T"})
    )
    assert '<option value="t">' in picked
    for broken in ("{", "[1]", '[{"kind":"x"}]', "null"):
        assert ann.get("/create/-/pick", {"filter": broken, "f/x": "t"}).status_code == 200


def test_secrets_are_asked_at_the_end_and_kept_nowhere(ann, tmp_path):
    put(tmp_path, page(token={"type": "string", "title": "Token", "ui:field": "Secret", "needed": True}))
    assert "asked for at the end" in text(ann.get(FORM))
    review = post(ann, token="typed-into-page")
    assert review.status_code == 302
    assert "typed-into-page" not in str(Draft.objects.get().values)
    refused = ann.post(FORM, {"page": 1, "op": "create"})
    assert refused.status_code == 422
    assert "Fill in Token" in text(refused)


def test_a_broken_schema_says_so(ann, tmp_path):
    put(tmp_path, {"title": "P", "properties": {"x": {"$ref": "http://127.0.0.1:1/schema.json"}}})
    answer = ann.get(FORM)
    assert answer.status_code == 422
    assert "leads out of the template" in text(answer)
    entity = template("w", steps=[say()])
    entity["spec"]["parameters"] = [7]
    publish(tmp_path, entity)
    assert ann.get("/create/templates/default/w").status_code in {404, 422}
    assert ann.get("/create/templates/default/none").status_code == 404


def test_a_failed_task_says_why_and_offers_a_retry(ann, tmp_path):
    ref = publish(
        tmp_path,
        template(steps=[{"name": "Move it", "action": "fs:rename", "input": {"files": [{"from": "no", "to": "x"}]}}]),
    )
    task = run(ref, who=ANN)
    shown = text(ann.get(reverse("create-task", args=[task.pk])))
    assert "no does not exist" in shown
    assert "Retry from the failed step" in shown
    ann.post(reverse("create-task-action", args=[task.pk, "retry"]))
    assert work() == 1
    again = shown[shown.index(FORM + "?") :].split('"')[0].replace("&amp;", "&")
    assert json.loads(parse_qs(urlsplit(again).query)["formData"][0]) == {}


def test_tasks_are_listed_mine_and_all(ann, tmp_path):
    from callboard.plugins.scaffolder.tests.stage import BOB

    ref = publish(tmp_path, template(steps=[say()]))
    run(ref, who=ANN)
    start(ref, who=BOB)
    assert text(ann.get("/create/tasks")).count("/create/tasks/") >= 1
    assert "Bob" not in text(ann.get("/create/tasks"))
    assert "Bob" in text(ann.get("/create/tasks", {"whose": "all"}))
    assert "debug:log" in text(ann.get("/create/actions"))


def test_output_links_run_no_scripts(ann, tmp_path):
    output = {"links": [{"title": "Evil", "url": "javascript:alert(1)"}, {"title": "Fine", "url": "https://fine.example"}, {"title": "Entity", "entityRef": "component:default/x"}],
              "text": [{"title": "Next", "content": "**bold** <script>alert(1)</script>"}]}  # fmt: skip
    task = run(publish(tmp_path, template(steps=[say()], output=output)), who=ANN)
    shown = text(ann.get(reverse("create-task", args=[task.pk])))
    assert "javascript:" not in shown
    assert "<script>alert" not in shown
    assert 'href="https://fine.example"' in shown
    assert 'href="/catalog/default/component/x"' in shown
    assert "<strong>bold</strong>" in shown


def test_the_form_is_quick(ann, tmp_path, django_assert_max_num_queries):
    put(tmp_path, page(**{f"q{n}": {"type": "string", "title": f"Q{n}"} for n in range(30)}))
    ann.get(FORM)
    with django_assert_max_num_queries(20):
        ann.get(FORM)

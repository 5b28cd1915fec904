import pytest
from django.test import Client
pytestmark=pytest.mark.django_db
def test_pages():
    from callboard.core.auth.services import create_user
    from callboard.core.registry.store import registry
    for q in registry.quarantined(): print(q.name,q.reason,q.detail)
    u=create_user("ada",password="correct horse battery",administrator=True,email="ada@example.org")
    c=Client()
    r=c.get("/sign-in"); print(r.status_code); assert r.status_code==200, r.content[:3000]
    r=c.post("/sign-in",{"login":"ada","password":"correct horse battery","next":"/settings"}); print(r.status_code,r.headers.get("Location"),r.content[:500])
    for p in ["/settings","/settings/account","/settings/appearance","/settings/tokens","/admin/plugins","/admin/plugins/portal","/admin/plugins/portal/switch","/admin/audit","/admin/users","/sign-out","/settings/two-factor/on","/settings/recovery-codes","/setup","/sign-in/inactive","/settings/confirm"]:
        r=c.get(p); print(p,r.status_code,len(r.content), r.headers.get("Location"))
        if r.status_code>=500: print(r.content.decode()[:1500])
    from callboard.core.registry.store import registry
    for l in registry.plugins():
        for f in l.faults.values(): print(f.contribution, f.detail[-1800:])

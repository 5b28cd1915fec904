"""Everything the access room adds."""

from callboard.plugins.rbac.contributions import access, doors, pages, work
from callboard.plugins.rbac.selectors.active import policy
from callboard.sdk.permissions import use_policy

use_policy(policy)

contributions = (*access.contributions, *pages.contributions, *doors.contributions, *work.contributions)

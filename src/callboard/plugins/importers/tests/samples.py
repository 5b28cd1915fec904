"""Files as other tools have them, written for these tests."""

COMPASS = """\
configVersion: 1
name: Checkout Service
id: 'ari:cloud:compass:11111111-0000:component/22222222-0000/33333333-0000'
description: Takes the order and the money.
ownerId: 'ari:cloud:teams::team/44444444-0000'
typeId: SERVICE
fields:
  tier: 1
  lifecycle: Pre-release
links:
  - {name: Board, type: PROJECT, url: 'https://jira.example/checkout'}
  - {name: Code, type: REPOSITORY, url: 'https://github.com/acme/checkout.git'}
  - {name: Bad, type: OTHER_LINK, url: 'javascript:alert(1)'}
labels: [payments, 'team:orders']
customFields:
  - {name: platform, type: text, value: web}
  - {name: shape, type: json, value: {a: 1}}
relationships:
  DEPENDS_ON:
    - 'ari:cloud:compass:11111111-0000:component/22222222-0000/55555555-0000'
mystery: {of: life}
"""

CORTEX = """\
openapi: 3.0.1
info:
  title: Payments API
  description: Moves money.
  version: "2"
  x-cortex-tag: payments
  x-cortex-type: service
  x-cortex-owners:
    - {type: group, name: Money Team, provider: CORTEX}
    - {type: email, name: ann@acme.example}
    - {type: slack, channel: money-alerts}
  x-cortex-groups: [tier-0, lang/java]
  x-cortex-dependency:
    - {tag: ledger, method: GET, path: /entries}
    - {tag: ledger, method: POST, path: /entries}
  x-cortex-parents:
    - {tag: finance}
  x-cortex-git:
    github: {repository: acme/payments, basepath: services/payments}
  x-cortex-oncall:
    pagerduty: {id: PABC123, type: SERVICE}
  x-cortex-custom-metadata:
    cost-centre: {value: 4711, description: Who pays}
    nested: {value: [1, 2]}
  x-cortex-link:
    - {name: Runbook, type: runbook, url: 'https://wiki.example/payments'}
  x-cortex-lifecycle: {stage: Deprecated}
  x-cortex-unheard-of: {a: 1}
paths:
  /payments:
    get: {responses: {'200': {description: ok}}}
"""

TEAM = """\
openapi: 3.0.1
info:
  title: Money Team
  x-cortex-tag: money-team
  x-cortex-type: team
  x-cortex-team:
    members:
      - {name: Ann, email: ann@acme.example}
  x-cortex-children: [{tag: refunds}]
---
openapi: 3.0.1
info:
  title: Finance
  x-cortex-tag: finance
  x-cortex-type: domain
  x-cortex-parents: [{tag: company}]
"""

OPSLEVEL = """\
version: 1
component:
  name: Shopping Cart
  description: Holds what is bought.
  type: service
  lifecycle: generally_available
  tier: tier_1
  system: shop
  language: Python
  framework: django
  owner: order_team
  aliases: [shopping_cart, k8s:prod/cart]
  tags:
    - {key: env, value: prod}
  tools:
    - {name: Metrics, category: metrics, url: 'https://grafana.example/cart'}
  repositories:
    - {name: acme/cart, provider: gitlab.com, path: /}
    - {name: acme/cart-tools, provider: gitlab.com}
  dependencies:
    - alias: payments
    - stock
  properties:
    data_class: internal
    limits: {cpu: 2}
repository:
  owner: order_team
"""

SCORE = """\
apiVersion: score.dev/v1b1
metadata:
  name: hello-world
  annotations: {acme.example/team: greetings}
containers:
  web:
    image: registry.example/hello:1
    variables: {PORT: "8080"}
service:
  ports: {www: {port: 8080}}
resources:
  db: {type: postgres, class: large}
  cache: {type: redis, id: shared.cache}
  env: {type: environment}
"""

PORT = """\
{"blueprints": [
  {"identifier": "microservice", "title": "Microservice",
   "schema": {"properties": {"language": {"type": "string"}, "url": {"type": "string", "format": "url"}}},
   "relations": {"runs": {"target": "k8sCluster", "many": true}, "belongs": {"target": "system"}}},
  {"identifier": "k8sCluster", "title": "Cluster", "schema": {"properties": {}}, "relations": {}}],
 "entities": [
  {"identifier": "orders", "title": "Orders", "blueprint": "microservice", "team": ["Order Team"],
   "properties": {"language": "Go", "url": "https://github.com/acme/orders", "replicas": 3, "raw": {"a": 1}},
   "relations": {"runs": ["prod-1"], "belongs": "shop", "empty": null}},
  {"identifier": "prod-1", "blueprint": "k8sCluster", "properties": {"region": "eu 1"}}]}
"""

TABLE = """\
Service Name;Team;Depends on;Status;Repository;Cost centre;Notes
Basket Web;Order Team;payments, stock;Active;https://github.com/acme/basket;47-11;see wiki
;nobody;;;;;
till;user:default/ann;;beta;acme/till;;
"""

APP_CONFIG = """\
app:
  title: Acme Portal
  baseUrl: https://portal.acme.example
  analytics: {ga: {measurementId: G-1}}
organization: {name: Acme}
backend:
  listen: ':7007'
  database: {client: pg, connection: {password: {$file: ./pg-password.txt}}}
  reading: {allow: [{host: '*.acme.example'}]}
integrations:
  github:
    - host: github.com
      token: {$env: GITHUB_TOKEN}
    - host: ghe.acme.example
      apiBaseUrl: https://ghe.acme.example/api/v3
      token: plain-text-secret
  gitlab:
    - {host: gitlab.com, token: '${GL}'}
  awsS3:
    - {accessKeyId: x}
catalog:
  rules:
    - allow: [Component, API]
  processingInterval: {minutes: 45}
  locations:
    - {type: url, target: 'https://github.com/acme/catalog/blob/main/all.yaml', rules: [{allow: [Group, User]}]}
    - {type: file, target: ../examples/all.yaml}
    - {type: github-discovery, target: 'https://github.com/acme/*'}
  providers:
    githubOrg: {id: prod, githubUrl: 'https://github.com'}
auth:
  providers:
    okta: {development: {clientId: '${OKTA_ID}', clientSecret: {$env: OKTA_SECRET}}}
extra: {$include: more.yaml#inner}
"""

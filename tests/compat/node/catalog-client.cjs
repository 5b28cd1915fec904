// Calls every method of the published client against a running portal and checks the answers.
// Takes the portal's address, a token and the address of a site to register from the environment.
const assert = require('node:assert/strict');
const { CatalogClient, CATALOG_FILTER_EXISTS } = require('@backstage/catalog-client');

const { PORTAL, TOKEN, SITE } = process.env;
const called = new Set();
const client = new Proxy(
  new CatalogClient({
    discoveryApi: { getBaseUrl: async plugin => `${PORTAL}/api/${plugin}` },
    fetchApi: { fetch: globalThis.fetch },
  }),
  {
    get(target, name) {
      if (typeof target[name] === 'function') called.add(name);
      return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
    },
  },
);
const options = { token: TOKEN };
const refOf = e => `${e.kind}:${e.metadata.namespace}/${e.metadata.name}`.toLowerCase();
const sleep = ms => new Promise(done => setTimeout(done, ms));

async function until(what, check) {
  for (let tries = 0; tries < 200; tries++) {
    const found = await check();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`this did not happen in time: ${what}`);
}

async function collect(pages) {
  const found = [];
  for await (const page of pages) found.push(page);
  return found;
}

async function lists() {
  const { items: all } = await client.getEntities({}, options);
  assert.ok(all.length > 140, `${all.length} entities`);
  const services = (await client.getEntities({ filter: { kind: 'Component', 'spec.type': 'service' } }, options)).items;
  assert.deepEqual(
    services.map(refOf),
    all.filter(e => e.kind === 'Component' && e.spec.type === 'service').map(refOf),
  );
  const either = await client.getEntities(
    {
      filter: [{ kind: ['user', 'group'] }, { kind: 'api', 'metadata.tags': CATALOG_FILTER_EXISTS }],
      fields: ['kind', 'metadata.name', 'metadata.namespace'],
      order: [{ field: 'kind', order: 'desc' }, { field: 'metadata.name', order: 'asc' }],
      offset: 1,
      limit: 10,
    },
    options,
  );
  assert.equal(either.items.length, 10);
  assert.ok(either.items.every(e => e.kind === 'User' && !e.spec));
  const after = Buffer.from(JSON.stringify({ limit: 3, offset: 3 })).toString('base64');
  assert.deepEqual((await client.getEntities({ after }, options)).items, all.slice(3, 6));
  return all;
}

async function queries(all) {
  const components = all.filter(e => e.kind === 'Component');
  const first = await client.queryEntities(
    { filter: { kind: 'component' }, limit: 7, orderFields: { field: 'metadata.name', order: 'asc' } },
    options,
  );
  assert.equal(first.totalItems, components.length);
  assert.equal(first.pageInfo.prevCursor, undefined);
  const names = [...first.items];
  let page = first;
  while (page.pageInfo.nextCursor) {
    page = await client.queryEntities({ cursor: page.pageInfo.nextCursor, limit: 7 }, options);
    names.push(...page.items);
  }
  assert.deepEqual(
    names.map(e => e.metadata.name),
    components.map(e => e.metadata.name).sort(),
  );
  let back = page;
  while (back.pageInfo.prevCursor) back = await client.queryEntities({ cursor: back.pageInfo.prevCursor, limit: 7 }, options);
  assert.deepEqual(back.items, first.items);

  const empty = await client.queryEntities({ limit: 0 }, options);
  assert.deepEqual([empty.items.length, empty.totalItems], [0, all.length]);

  const query = {
    $all: [
      { kind: { $in: ['component', 'api'] } },
      { $not: { 'spec.lifecycle': 'experimental' } },
      { $any: [{ 'metadata.tags': { $contains: 'java' } }, { 'metadata.name': { $hasPrefix: 'S' } }] },
      { 'relations.ownedBy': { $exists: true } },
    ],
  };
  const expected = all.filter(
    e =>
      ['Component', 'API'].includes(e.kind) &&
      e.spec.lifecycle !== 'experimental' &&
      ((e.metadata.tags ?? []).includes('java') || e.metadata.name.toLowerCase().startsWith('s')),
  );
  assert.ok(expected.length > 3);
  const body = { query, orderFields: { field: 'metadata.name', order: 'desc' }, limit: 2, fields: ['kind', 'metadata'] };
  const found = [];
  let some = await client.queryEntities(body, options);
  assert.equal(some.totalItems, expected.length);
  for (;;) {
    assert.ok(some.items.every(e => !e.spec));
    found.push(...some.items);
    if (!some.pageInfo.nextCursor) break;
    some = await client.queryEntities({ cursor: some.pageInfo.nextCursor, limit: 2, fields: body.fields }, options);
  }
  assert.deepEqual(found.map(refOf).sort(), expected.map(refOf).sort());
  const mixed = await client.queryEntities({ query: { kind: 'component' }, filter: { 'spec.type': ['website', 'service'] } }, options);
  assert.deepEqual(
    mixed.items.map(refOf).sort(),
    components.filter(e => ['website', 'service'].includes(e.spec.type)).map(refOf).sort(),
  );
  const related = { relations: { $contains: { type: 'ownedBy', targetRef: components[0].relations.find(r => r.type === 'ownedBy').targetRef } } };
  assert.ok((await client.queryEntities({ query: related }, options)).items.some(e => refOf(e) === refOf(components[0])));

  const text = await client.queryEntities(
    { fullTextFilter: { term: ' SEAT ', fields: ['metadata.name', 'metadata.title'] }, totalItems: 'exclude' },
    options,
  );
  assert.deepEqual(
    text.items.map(refOf),
    all.filter(e => `${e.metadata.name}|${e.metadata.title ?? ''}`.toLowerCase().includes('seat')).map(refOf),
  );
  await assert.rejects(client.queryEntities({ query: { $nope: 1 } }, options), /400/);

  for (const request of [{ pageSize: 40 }, { pageSize: 40, query: { kind: { $exists: true } } }]) {
    const pages = await collect(client.streamEntities(request, options));
    assert.deepEqual(pages.flat().map(refOf), all.map(refOf));
    assert.ok(pages.length > 3);
  }
}

async function singles(all) {
  const component = all.find(e => e.kind === 'Component');
  const ref = refOf(component);
  assert.deepEqual(await client.getEntityByRef(ref, options), component);
  assert.deepEqual(await client.getEntityByRef({ kind: 'component', namespace: 'default', name: component.metadata.name }, options), component);
  assert.deepEqual(await client.getEntityByName({ kind: 'Component', name: component.metadata.name }, options), component);
  assert.equal(await client.getEntityByRef('component:default/no-such-thing', options), undefined);

  const refs = all.map(refOf);
  const { items } = await client.getEntitiesByRefs({ entityRefs: [...refs, 'component:default/nope'], fields: ['kind', 'metadata'] }, options);
  assert.deepEqual(items.slice(0, -1).map(refOf), refs);
  assert.equal(items.at(-1), undefined);
  const some = await client.getEntitiesByRefs({ entityRefs: refs, filter: { kind: 'group' } }, options);
  assert.deepEqual(some.items.map(e => !!e), all.map(e => e.kind === 'Group'));
  const queried = await client.getEntitiesByRefs({ entityRefs: refs, query: { kind: 'group' }, filter: { 'spec.type': 'team' } }, options);
  assert.deepEqual(queried.items.map(e => !!e), all.map(e => e.kind === 'Group' && e.spec.type === 'team'));

  const ancestry = await client.getEntityAncestors({ entityRef: ref }, options);
  assert.equal(ancestry.rootEntityRef, ref);
  assert.deepEqual(ancestry.items[0].entity, component);
  assert.ok(ancestry.items.at(-1).entity.metadata.name.startsWith('generated-'));
  for (const item of ancestry.items) {
    for (const parent of item.parentEntityRefs) assert.ok(ancestry.items.some(i => refOf(i.entity) === parent));
  }

  const counted = {};
  for (const e of all.filter(x => x.kind === 'Component')) counted[e.spec.type] = (counted[e.spec.type] ?? 0) + 1;
  for (const request of [{ filter: { kind: 'component' } }, { query: { kind: 'component' } }, { query: { kind: 'component' }, filter: { kind: 'component' } }]) {
    const { facets } = await client.getEntityFacets({ facets: ['spec.type', 'metadata.tags'], ...request }, options);
    assert.deepEqual(Object.fromEntries(facets['spec.type'].map(f => [f.value, f.count])), counted);
    assert.ok(facets['metadata.tags'].every(f => f.value && f.count > 0));
  }

  const valid = { apiVersion: component.apiVersion, kind: component.kind, metadata: { name: 'x' }, spec: component.spec };
  assert.deepEqual(await client.validateEntity(valid, 'url:https://example.com/catalog-info.yaml', options), { valid: true });
  const invalid = await client.validateEntity({ ...valid, spec: {} }, 'url:https://example.com/catalog-info.yaml', options);
  assert.equal(invalid.valid, false);
  assert.ok(invalid.errors.length >= 3 && invalid.errors.every(e => e.name && e.message));
}

async function locations() {
  const target = `${SITE}/catalog-info.yaml`;
  const before = (await client.getLocations({}, options)).items;
  assert.equal(before.length, 1);

  const analysed = await client.analyzeLocation({ location: { type: 'url', target } }, options);
  assert.equal(analysed.existingEntityFiles[0].entity.metadata.name, 'visitor');
  assert.equal(analysed.existingEntityFiles[0].isRegistered, false);

  const dry = await client.addLocation({ target, dryRun: true }, options);
  assert.equal(dry.exists, false);
  assert.ok(dry.entities.some(e => refOf(e) === 'component:default/visitor'));
  assert.equal((await client.getLocations({}, options)).items.length, 1);

  const { location, entities } = await client.addLocation({ type: 'url', target }, options);
  assert.deepEqual(entities, []);
  assert.deepEqual({ type: location.type, target: location.target }, { type: 'url', target });
  await assert.rejects(client.addLocation({ target }, options), /409/);
  assert.equal((await client.addLocation({ target, onConflict: 'refresh' }, options)).location.id, location.id);
  assert.equal((await client.addLocation({ target, dryRun: true }, options)).exists, true);
  const visitor = await until('the new component is there', () => client.getEntityByRef('component:default/visitor', options));
  assert.ok(await client.getEntityByRef(location.entityRef, options));

  assert.deepEqual(await client.getLocationById(location.id, options), location);
  assert.equal(await client.getLocationById('00000000-0000-0000-0000-000000000000', options), undefined);
  assert.deepEqual(await client.getLocationByRef(`url:${target}`, options), location);
  assert.deepEqual(await client.getLocationByEntity('component:default/visitor', options), location);
  assert.equal(await client.getLocationByEntity('component:default/nope', options), undefined);
  const queried = await client.queryLocations({ query: { type: 'url' }, limit: 5 }, options);
  assert.deepEqual([queried.items, queried.totalItems], [[location], 1]);
  const pages = await collect(client.streamLocations({ limit: 1 }, options));
  assert.deepEqual(pages, [[before[0]], [location]]);

  await fetch(`${SITE}/change`);
  await client.refreshEntity('component:default/visitor', options);
  await until('the refreshed title is there', async () => {
    return (await client.getEntityByRef('component:default/visitor', options)).metadata.title === 'Changed';
  });

  await client.removeEntityByUid(visitor.metadata.uid, options);
  const again = await until('the deleted entity is back', async () => {
    const found = await client.getEntityByRef('component:default/visitor', options);
    return found && found.metadata.uid !== visitor.metadata.uid;
  });
  assert.ok(again);

  const moved = await client.updateLocation(location.id, { target: `${SITE}/other.yaml` }, options);
  assert.deepEqual([moved.id, moved.target], [location.id, `${SITE}/other.yaml`]);
  await until('the other entity is there', () => client.getEntityByRef('component:default/other', options));
  await client.removeLocationById(location.id, options);
  assert.equal(await client.getEntityByRef('component:default/other', options), undefined);
  assert.equal(await client.getEntityByRef('component:default/visitor', options), undefined);
  await assert.rejects(client.removeLocationById(location.id, options), /404/);
}

async function main() {
  await assert.rejects(client.getEntities({}, {}), /401/);
  const all = await lists();
  await queries(all);
  await singles(all);
  await locations();
  // Helpers that the methods above use themselves.
  const inner = ['constructor', 'requestIgnored', 'requestRequired', 'requestOptional', 'getFilterValue'];
  inner.push('queryEntitiesByPredicate', 'getEntityFacetsByPredicate');
  const methods = Object.getOwnPropertyNames(CatalogClient.prototype).filter(name => !inner.includes(name));
  assert.deepEqual(methods.filter(name => !called.has(name)), [], 'methods that were not called');
  console.log(`${methods.length} methods answered as they should`);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});

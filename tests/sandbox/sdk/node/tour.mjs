// A tour of the sandbox with Descope's own Node SDK. It ends with an error at the first surprise.
import assert from 'node:assert/strict';
import DescopeClient from '@descope/node-sdk';

const sdk = DescopeClient({
  projectId: process.env.DESCOPE_PROJECT_ID,
  managementKey: process.env.DESCOPE_MANAGEMENT_KEY,
  baseUrl: process.env.DESCOPE_BASE_URL,
});
const { user, tenant, role, permission, accessKey, jwt, fga } = sdk.management;

async function good(call) {
  const answer = await call;
  assert.ok(answer.ok, JSON.stringify(answer.error));
  return answer.data;
}

async function refused(call, status, code) {
  const answer = await call;
  assert.equal(answer.ok, false);
  assert.deepEqual([answer.code, answer.error.errorCode], [status, code]);
}

async function directory() {
  await good(permission.create('maps.read', 'See maps'));
  await good(tenant.createWithId('northwind', 'Northwind', ['northwind.example']));
  await refused(tenant.createWithId('northwind', 'Other'), 400, 'E073307');
  await good(role.create('Cartographer', 'Draws', ['maps.read'], 'northwind'));
  const found = await good(role.search({ tenantIds: ['northwind'] }));
  assert.deepEqual(found.map((one) => [one.name, one.permissionNames]), [['Cartographer', ['maps.read']]]);
  assert.deepEqual((await good(tenant.load('northwind'))).domains, []);

  const email = 'nora@northwind.example';
  const userTenants = [{ tenantId: 'northwind', roleNames: ['Cartographer'] }];
  const made = await good(user.create(email, { email, displayName: 'Nora', userTenants }));
  assert.deepEqual([made.status, made.name], ['invited', 'Nora']);
  assert.deepEqual(made.userTenants[0].permissions, ['maps.read']);
  await refused(user.create(email, { email }), 400, 'E062107');
  assert.equal((await good(user.load(email))).userId, made.userId);
  const named = await good(user.search({ tenantIds: ['northwind'], text: 'nora' }));
  assert.deepEqual(named.users.map((one) => one.userId), [made.userId]);
  const patched = await good(user.patch(email, { givenName: 'Nora', picture: 'https://x.example/n.png' }));
  assert.deepEqual([patched.name, patched.givenName], ['Nora', 'Nora']);
  const replaced = await good(user.update(email, { displayName: 'Nora N' }));
  assert.deepEqual([replaced.picture, replaced.userTenants], ['', []]);
  await good(user.delete(email));
  await refused(user.load(email), 404, 'E112102');
}

async function sessions() {
  const key = await good(
    accessKey.create('tour', 0, [], [{ tenantId: 'northwind', roleNames: ['Cartographer'] }]),
  );
  const exchanged = await sdk.exchangeAccessKey(key.cleartext);
  assert.ok(sdk.validateTenantPermissions(exchanged, 'northwind', ['maps.read']));
  assert.equal((await sdk.validateSession(exchanged.jwt)).token.sub, key.key.id);
  await assert.rejects(sdk.validateSession(`${exchanged.jwt.slice(0, -8)}AAAAAAAA`));
  await good(accessKey.deactivate(key.key.id));
  await assert.rejects(sdk.exchangeAccessKey(key.cleartext));

  const loginId = 'tour@northwind.example';
  await good(user.createTestUser(loginId, { email: loginId }));
  const { code } = await good(user.generateOTPForTestUser('email', loginId));
  await refused(sdk.otp.verify.email(loginId, 'wrong'), 401, 'E061102');
  const { sessionJwt, refreshJwt } = await good(sdk.otp.verify.email(loginId, code));
  assert.deepEqual((await sdk.validateSession(sessionJwt)).token.amr, ['email']);
  const changed = await good(jwt.update(sessionJwt, { plan: 'gold' }));
  assert.equal((await sdk.validateSession(changed.jwt)).token.plan, 'gold');
  assert.equal((await sdk.refreshSession(refreshJwt)).token.plan, 'gold');
  await good(sdk.logout(refreshJwt));
  await assert.rejects(sdk.refreshSession(refreshJwt));
}

async function authorization() {
  const schema = 'model AuthZ 1.0\ntype user\ntype map\n  relation owner: user\n  permission draw: owner\n';
  await good(fga.saveSchema({ dsl: schema }));
  const owner = { resource: 'm', resourceType: 'map', relation: 'owner', target: 'u', targetType: 'user' };
  await good(fga.createRelations([owner]));
  const asked = [{ ...owner, relation: 'draw' }, { ...owner, target: 'x' }];
  assert.deepEqual((await good(fga.check(asked))).map((one) => one.allowed), [true, false]);
}

await directory();
await sessions();
await authorization();
await good(tenant.delete('northwind', true));
await good(user.deleteAllTestUsers());
assert.deepEqual(await good(user.searchAll()), []);

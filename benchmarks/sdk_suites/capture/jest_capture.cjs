// For the suites of Descope's SDKs in TypeScript, whose tests replace the HTTP client by functions that
// answer as the test wants. Each call of these is also made on the SDK's real HTTP client, whose
// requests become lines of JSON in the file that SDK_CAPTURE names; none leaves the process.
const fs = require('fs');

const { SDK_CAPTURE, SDK_MOCK, SDK_CLIENT, SDK_TOKEN } = process.env;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const { mockHttpClient } = require(SDK_MOCK);

let client;
jest.isolateModules(() => {
  const found = require(SDK_CLIENT);
  const createHttpClient = found.createHttpClient || found.default;
  client = createHttpClient({
    projectId: 'project-id',
    baseUrl: 'http://127.0.0.1',
    fetch: noted,
    hooks: {
      // As the SDK does it: a request of the management API has the management key.
      beforeRequest: [(config) => Object.assign(config, SDK_TOKEN && { token: SDK_TOKEN })],
    },
  });
});

let test = '';
async function noted(url, options) {
  const { pathname, search } = new URL(url);
  const line = {
    test,
    method: options.method,
    target: pathname + search,
    authorization: new Headers(options.headers).get('authorization') || '',
    body: options.body || '',
  };
  fs.appendFileSync(SDK_CAPTURE, `${JSON.stringify(line)}\n`);
  return {
    ok: true,
    status: 200,
    headers: new Headers(),
    json: async () => ({}),
    text: async () => '{}',
    clone() {
      return this;
    },
  };
}

const sent = [];
METHODS.forEach((method) => {
  mockHttpClient[method] = new Proxy(mockHttpClient[method], {
    apply(mock, self, given) {
      const { testPath, currentTestName } = expect.getState();
      test = `${testPath}::${currentTestName}`;
      sent.push(client[method](...given).catch((error) => {
        throw new Error(`the SDK's own HTTP client does not take ${method} ${given[0]}: ${error}`);
      }));
      return Reflect.apply(mock, self, given);
    },
  });
});

afterEach(() => Promise.all(sent.splice(0)));

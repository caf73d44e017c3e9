// The runtime's surroundings in njs: the store, the clock, and console.log heard.

const state = { docs: {}, said: [], print: console.log.bind(console) };

const clock = Date.now;
let now = 0;
Date.now = () => now * 1000;

function set(vector) {
  now = vector.now;
  state.docs = { gate: vector.gate, base: vector.base };
  state.said = [];
  // A method, so that it is not in the request's JSON.
  if (vector.event) {
    Object.defineProperty(vector.event.request, 'rawQueryString', { value: () => (vector.query === null ? undefined : vector.query), enumerable: false });
  }
  console.log = (line) => {
    state.said.push(line);
  };
  return state.said;
}

async function get(key, options) {
  const doc = state.docs[key];
  if (doc === null || doc === undefined) {
    throw new Error('KeyNotFound');
  }
  return options && options.format === 'json' ? JSON.parse(doc) : doc;
}

function kvs() {
  return { get: get };
}

export default { set: set, print: state.print, kvs: kvs, clock: clock };

'use strict';
// Sends the real Azure hosts to the stand-ins on loopback and refuses every other host: load it with `node --require`.
// Where the stand-ins are: the environment's LOCAL_ROUTES (JSON of service to URL), else LOCAL_DIR/run.json, read when
// first needed, so that the app may be started before them.
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');

const services = [
  [/^login\.microsoftonline\.com$/, 'entra'],
  [/^graph\.microsoft\.com$/, 'graph'],
  [/\.vault\.azure\.net$/, 'keyVault'],
  [/\.communication\.azure\.com$/, 'communication'],
  [/\.dicom\.azurehealthcareapis\.com$/, 'dicom'],
  [/^changes\.telehealth\.example$/, 'subscriber'],
  [/\.(?:blob|queue|table)\.core\.windows\.net$/, 'storage'],
  [/\.in\.applicationinsights\.azure\.com$/, 'monitor'],
];
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;
const runFile = path.join(process.env.LOCAL_DIR || path.join(__dirname, '..', '.local'), 'run.json');

// A proxy would take the place of the patched agent (measured with the Azure SDK's pipeline).
for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) {
  Reflect.deleteProperty(process.env, name);
}
// With NODE_USE_ENV_PROXY Node has read them already; this one it reads at each fetch.
process.env.NO_PROXY = process.env.no_proxy = '*';

function refuse(text) {
  return Object.assign(new Error(text), { code: 'EBLOCKED' });
}

function refuseHost(host) {
  return refuse(`A local run reaches no other host than its stand-ins: ${host} was refused.`);
}

function routes() {
  if (process.env.LOCAL_ROUTES) return JSON.parse(process.env.LOCAL_ROUTES);
  try {
    const { pid, azure } = JSON.parse(fs.readFileSync(runFile, 'utf8'));
    // Throws when the process is gone: one that was killed leaves its file behind.
    process.kill(pid, 0);
    return azure;
  } catch {
    throw refuse('The local stand-ins are not running: start them with `npm run azure`.');
  }
}

function portFor(host) {
  const service = services.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1];
  if (!service) throw refuseHost(host);
  const url = routes()[service];
  if (!url) throw refuse(`There is no stand-in for ${service} in this local run.`);
  return Number(new URL(url).port);
}

const toAzure = https.Agent.prototype.createConnection;
https.Agent.prototype.createConnection = function (options, ...rest) {
  const host = options.servername || options.host || 'localhost';
  if (loopback.test(host)) return toAzure.call(this, options, ...rest);
  return net.connect({ port: portFor(host), host: '127.0.0.1' });
};

// Everything else that opens a TCP connection ends here: plain http, http2, tls, fetch.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [options, second] = Array.isArray(args[0]) ? args[0] : args;
  const named = typeof options === 'object' ? options.path || options.host : second;
  const host = typeof named === 'string' ? named : 'localhost';
  const isPipe = typeof options === 'object' ? Boolean(options.path) : Number.isNaN(Number(options));
  if (!isPipe && !loopback.test(host)) throw refuseHost(host);
  return connect.apply(this, args);
};

// The floor above would refuse it too, but hide the reason behind "fetch failed".
const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const { hostname } = new URL(input instanceof Request ? input.url : input);
  if (!loopback.test(hostname)) throw refuseHost(hostname);
  return plainFetch(input, init);
};

'use strict';
// Sends the real Azure hosts to the stand-ins on loopback and refuses every other host: load it with `node --require`.
// Where the stand-ins are: the environment's LOCAL_ROUTES (JSON of service to URL), else LOCAL_DIR/run.json, read when
// first needed, so that the app may be started before them.
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');

const services = [
  [/^login\.microsoftonline\.com$/, 'entra'],
  [/^graph\.microsoft\.com$/, 'graph'],
  [/\.vault\.azure\.net$/, 'keyVault'],
  [/\.communication\.azure\.com$/, 'communication'],
  [/\.dicom\.azurehealthcareapis\.com$/, 'dicom'],
];
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;
const runFile = path.join(process.env.LOCAL_DIR || path.join(__dirname, '..', '.local'), 'run.json');

// A proxy would take the place of the patched agent (measured with the Azure SDK's pipeline).
for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) delete process.env[name];

function refuse(text) {
  return Object.assign(new Error(text), { code: 'EBLOCKED' });
}

function routes() {
  if (process.env.LOCAL_ROUTES) return JSON.parse(process.env.LOCAL_ROUTES);
  try {
    return JSON.parse(fs.readFileSync(runFile, 'utf8')).azure;
  } catch {
    throw refuse('The local stand-ins are not running: start them with `npm run azure`.');
  }
}

function portFor(host) {
  const service = services.find(([pattern]) => pattern.test(host))?.[1];
  if (!service) throw refuse(`A local run reaches no other host than its stand-ins: ${host} was refused.`);
  const url = routes()[service];
  if (!url) throw refuse(`There is no stand-in for ${service} in this local run.`);
  return Number(new URL(url).port);
}

const toAzure = https.Agent.prototype.createConnection;
https.Agent.prototype.createConnection = function (options, ...rest) {
  const host = options.servername || options.host;
  if (loopback.test(host)) return toAzure.call(this, options, ...rest);
  return net.connect({ port: portFor(host), host: '127.0.0.1' });
};

const inPlain = http.Agent.prototype.createConnection;
http.Agent.prototype.createConnection = function (options, ...rest) {
  const host = options.host || 'localhost';
  if (!options.socketPath && !loopback.test(host)) throw refuse(`A local run does not leave this machine: ${host} was refused.`);
  return inPlain.call(this, options, ...rest);
};

const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const { hostname } = new URL(input instanceof Request ? input.url : input);
  if (!loopback.test(hostname)) throw refuse(`A local run does not leave this machine: ${hostname} was refused.`);
  return plainFetch(input, init);
};

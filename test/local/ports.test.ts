// Ports of the local services: settings, defaults and the one line that explains what is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainPort, freePorts, PortError, portSetting, readPorts } from '../../local/ports.ts';

test('without settings each service has its documented port', () => {
  const { blob, queue, table, host, ...standIns } = readPorts({});
  assert.deepEqual([blob, queue, table, host], [10000, 10001, 10002, 7071]);
  assert.deepEqual(standIns, {
    ...{ managedIdentity: 7080, entra: 7081, graph: 7082, keyVault: 7083 },
    ...{ communication: 7084, dicom: 7085, faults: 7086, subscriber: 7087 },
  });
});

test('a setting moves its service only, and 0 asks for a free port as often as one likes', () => {
  const ports = readPorts({
    LOCAL_PORT_KEY_VAULT: ' 17083 ',
    LOCAL_PORT_ENTRA: '0',
    LOCAL_PORT_HOST: '0',
    LOCAL_PORT_BLOB: '',
  });
  assert.deepEqual(
    [ports.keyVault, ports.entra, ports.host, ports.blob, ports.graph],
    [17083, 0, 0, 10000, 7082],
  );
  assert.ok(Object.values(freePorts).every((port) => port === 0));
  assert.deepEqual(Object.keys(freePorts), Object.keys(ports));
});

test('every bad value is named in one line', () => {
  const bad = {
    LOCAL_PORT_HOST: 'x',
    LOCAL_PORT_GRAPH: '-1',
    LOCAL_PORT_DICOM: '65536',
    LOCAL_PORT_BLOB: '1e3',
  };
  assert.throws(
    () => readPorts(bad),
    (error: Error) =>
      error instanceof PortError &&
      Object.entries(bad).every(
        ([name, value]) => error.message.includes(name) && error.message.includes(value),
      ) &&
      !error.message.includes('\n'),
  );
});

test('two services on one port are named both', () => {
  assert.throws(() => readPorts({ LOCAL_PORT_HOST: '7080' }), {
    message: 'LOCAL_PORT_HOST and LOCAL_PORT_MANAGED_IDENTITY are both 7080',
  });
});

test('a busy port names the setting that moves it, and other errors stay as they are', () => {
  const busy = explainPort(Object.assign(new Error('listen'), { code: 'EADDRINUSE' }), 'keyVault', 7083);
  assert.ok(busy instanceof PortError);
  assert.match(busy.message, /^Port 7083 is in use.*LOCAL_PORT_KEY_VAULT/);
  const other = new Error('disk full');
  assert.equal(explainPort(other, 'keyVault', 7083), other);
  assert.equal(portSetting('managedIdentity'), 'LOCAL_PORT_MANAGED_IDENTITY');
});

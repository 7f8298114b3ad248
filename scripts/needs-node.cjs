'use strict';
// Says in one line which Node is needed, before a Node that cannot read TypeScript says it in ten: load it with --require.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `Node 22.18 or newer is needed, this is ${process.version}. \`npm ci\` brings one along (package "node", whose install ` +
      'script must be allowed to run); start through npm, which uses it.\n',
  );
  process.exit(1);
}

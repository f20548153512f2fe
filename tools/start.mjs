// `npm start`: installs what is missing, builds the page and serves it on this machine. `--port N` chooses the port.
// Only Node's own modules up to the line that installs the rest.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkNode, installDependencies } from './lib/install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readPort() {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4173' } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error(`--port takes a number from 1 to 65535, not ${values.port}.`);
  return port;
}

async function main() {
  checkNode();
  const port = readPort();
  await installDependencies(root);
  const { build, preview } = await import('vite');
  console.log('Building the page …');
  await build({ root, logLevel: 'warn' });
  const server = await preview({ root, logLevel: 'warn', preview: { host: '127.0.0.1', port } });
  console.log(`Graft is at http://localhost:${server.httpServer.address().port}/ (Ctrl+C stops it)`);
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});

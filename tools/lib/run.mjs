import { spawn } from 'node:child_process';

/** Runs a command with our own output and gives its exit code; a command that cannot be started or is killed counts as 1. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const shell = process.platform === 'win32'; // npm and npx are .cmd files there
    const child = spawn(command, args, { stdio: 'inherit', shell, ...options });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Runs a command silently and gives its exit code and what it printed; ends it after `timeout` milliseconds. */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], ...options });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.on('error', () => resolve({ code: 1, stdout }));
    child.on('close', (code) => resolve({ code: code ?? 1, stdout }));
  });
}

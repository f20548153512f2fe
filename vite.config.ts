import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses, so that the built page works from any folder of any static host.
  base: './',
  // Screens live in the address after '#', so a file that is not there is a 404 and not the page again.
  appType: 'mpa',
  plugins: [react()],
  build: { target: 'es2023', chunkSizeWarningLimit: 800 },
  worker: { format: 'es' },
});

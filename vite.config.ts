import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses, so that the built page works from any folder of any static host.
  base: './',
  plugins: [react()],
  build: { target: 'es2023', chunkSizeWarningLimit: 800 },
  worker: { format: 'es' },
});

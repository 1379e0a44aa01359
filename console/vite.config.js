import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { manifest } from './manifest.js';

const server = process.env.OFFBOARD_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react(), manifest()],
  build: {
    assetsInlineLimit: 0, // the server's policy allows no data: addresses
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000, // one file: a second one would be waited for; the tests keep the budget
    rolldownOptions: {
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
  server: { proxy: { '/graphql': { target: server, ws: true } } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});

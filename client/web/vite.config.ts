import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Relative addresses (any prefix of a proxy), no inline script, no source map: what is built is what is served, under a
// policy that allows nothing inline.
const names = {
  entryFileNames: 'assets/[name]-[hash].js',
  chunkFileNames: 'assets/[name]-[hash].js',
  assetFileNames: 'assets/[name]-[hash][extname]',
}
const FRAME = /src\/(state\/(access|clock|directory|keys|place|prefs|route|rows|session|store|tail)\b|words\/(links|time|value)\b|ui\/(Face|Icon|icons|Name|Panel|Section|toast)\b)/
const server = process.env.KITH_SERVER ?? 'http://127.0.0.1:7420'

export default defineConfig({
  base: './',
  plugins: [svelte()],
  // The same for units, which run outside a browser.
  ssr: { resolve: { conditions: ['kith-source', ...defaultServerConditions] } },
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // What every page is made of is one file: it is smaller than in pieces, and Today needs all of it.
    rolldownOptions: { output: { ...names, codeSplitting: { groups: [{ name: 'frame', test: FRAME }] } } },
  },
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: names.entryFileNames } } },
  server: { proxy: { '^/(kith\\.v1\\.|session)': server } },
  test: { include: ['test/**/*.test.ts'] },
  // kith-client is linked: its sources are compiled with the console, against the packages that are named here.
  resolve: {
    conditions: ['kith-source', ...defaultClientConditions],
    dedupe: ['@bufbuild/protobuf', '@noble/ed25519', '@noble/hashes'],
  },
})

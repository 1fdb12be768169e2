// The step of the layout, which the library has no types for.
declare module 'graphology-layout-forceatlas2/iterate' {
  export default function iterate(settings: Readonly<Record<string, number | boolean>>, nodes: Float32Array, edges: Float32Array): void
}

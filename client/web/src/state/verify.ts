// Verification in a file of its own, so that it is loaded after the page.
export { KnownLog } from 'kith-client'

// The stream of the tail in a file of its own, so that it is loaded after the page.
export { followTail } from 'kith-client'

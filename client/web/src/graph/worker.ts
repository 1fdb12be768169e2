// The only script address that this console makes at run time: that of its own worker, under a policy that takes no other.
import url from './layout.worker.ts?worker&url'

interface Policy {
  createScriptURL(url: string): string
}
interface Factory {
  createPolicy(name: string, rules: Policy): Policy
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
const policy = factory?.createPolicy('kith-worker', {
  createScriptURL: wanted => {
    if (new URL(wanted, location.href).origin !== location.origin) throw new TypeError('not a worker of this console')
    return wanted
  },
})

export const startLayout = (): Worker => new Worker(policy ? policy.createScriptURL(url) : url, { type: 'module' })

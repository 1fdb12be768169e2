// What views and reports are about, in words.
import type { View } from 'kith-client/gen/view'

export const isReport = (view: View): boolean => view.inputs.length > 0

const keys: Readonly<Record<string, string>> = { pair: 'two people', directed_pair: 'two people, one way', person: 'person', organisation: 'organisation', organisation_pair: 'two organisations' }

/** What a row is about, by `View.key`. */
export const about = (key: string): string => keys[key] ?? key

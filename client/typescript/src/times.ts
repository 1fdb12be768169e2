// Times of messages.

/** A time in milliseconds as a `google.protobuf.Timestamp`. */
export function timeMessage(millis: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(millis / 1000);
  return { seconds: BigInt(seconds), nanos: Math.floor(millis - seconds * 1000) * 1_000_000 };
}

/** A `google.protobuf.Timestamp` in milliseconds. */
export function timeOf(message: { readonly seconds: bigint; readonly nanos: number }): number {
  return Number(message.seconds) * 1000 + Math.floor(message.nanos / 1_000_000);
}

// The time as the page shows it: moves once a minute, so that "today" and "4 min ago" stay true.

class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => (this.now = Date.now()), 60_000)
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.now = Date.now()
    })
  }

  /** Today as views count days. */
  get today(): number {
    return Math.floor(this.now / 86_400_000)
  }
}

export const clock = new Clock()

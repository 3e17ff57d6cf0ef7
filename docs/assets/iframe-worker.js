// Search on pages that are opened from a folder. A browser starts no Worker from file://, so a hidden
// frame does its work: it runs the same script, and messages go to and from it as to a Worker.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      const inside = frame.contentWindow
      inside.document.open()
      inside.document.write("<html><body></body></html>")
      inside.document.close()
      inside.IFrameWorker = true
      inside.importScripts = (...urls) => urls.reduce((before, each) => before.then(() =>
        new Promise((resolve, reject) => {
          const script = inside.document.createElement("script")
          script.src = each
          script.onload = resolve
          script.onerror = reject
          inside.document.body.appendChild(script)
        })), Promise.resolve())
      inside.postMessage = data => this.tell(data)
      this.inside = inside
      inside.importScripts(url).then(() => {
        const waiting = this.waiting
        this.waiting = null
        waiting.forEach(data => this.postMessage(data))
      })
    }
    tell(data) {
      const event = new MessageEvent("message", {data})
      this.dispatchEvent(event)
      if (this.onmessage) this.onmessage(event)
    }
    postMessage(data) {
      if (this.waiting) this.waiting.push(data)
      else this.inside.dispatchEvent(new this.inside.MessageEvent("message", {data}))
    }
    terminate() { this.inside.frameElement.remove() }
  }
  window.Worker = window.IFrameWorker
}

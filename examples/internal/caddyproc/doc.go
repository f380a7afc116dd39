// Package caddyproc runs Caddy in a process of its own, for the examples: their commands
// hold Caddy and the plugin, and start themselves once more to become it. So an example needs no
// other program, what it says of a restart is true of a real one, and its own output and Caddy's
// do not mix.
//
//	func main() {
//		caddyproc.RunIfChild()
//		...
//		caddy, err := caddyproc.Start("Caddyfile", os.Environ(), log)
//		if err != nil {
//			return err
//		}
//		defer caddy.Stop()
//		if err := caddy.WaitReady(ctx, client, "http://localhost:8080/"); err != nil {
//			return err
//		}
//
// The command imports the Caddy modules that its Caddyfile needs.
package caddyproc

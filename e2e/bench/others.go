package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func startGoProxy(ctx context.Context, b *bench, dir string) (*competitor, error) {
	c, err := newCompetitor(goProxy)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "admin")
	c.process, err = start(ctx, dir, b.trust(), b.goproxy, "-admin", socket, "-token", strings.TrimPrefix(authorization, "Bearer "),
		c.plain, b.api.plain.URL, c.tls, b.api.tls.URL)
	if err != nil {
		return nil, err
	}
	c.admin = socketClient(socket)
	return c.ready(ctx)
}

func startNginx(ctx context.Context, b *bench, dir string) (*competitor, error) {
	c, err := newCompetitor(nginx)
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // or its workers could not write to dir
	}
	server := func(address, name, scheme, api string) string {
		return fmt.Sprintf(`upstream %[2]s { server %[4]s; keepalive 1024; keepalive_requests 1000000000; }
server {
	listen %[1]s;
	location / {
		proxy_pass %[3]s://%[2]s;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_set_header Authorization "%[5]s";
		proxy_ssl_trusted_certificate %[6]s;
		proxy_ssl_verify on;
		proxy_ssl_name 127.0.0.1;
	}
}
`, address, name, scheme, strings.TrimPrefix(api, scheme+"://"), authorization, b.ca)
	}
	text := fmt.Sprintf(`%sdaemon off;
pid %[2]s/pid;
error_log stderr error;
worker_processes auto;
events { worker_connections 4096; }
http {
access_log off;
keepalive_requests 1000000000;
client_max_body_size 0;
client_body_temp_path %[2]s/body;
proxy_temp_path %[2]s/proxy;
fastcgi_temp_path %[2]s/fastcgi;
uwsgi_temp_path %[2]s/uwsgi;
scgi_temp_path %[2]s/scgi;
%[3]s%[4]s}
`, user, dir, server(c.plain, "plain", "http", b.api.plain.URL), server(c.tls, "secure", "https", b.api.tls.URL))
	file, err := write(dir, "nginx.conf", text)
	if err != nil {
		return nil, err
	}
	if c.process, err = start(ctx, dir, nil, "nginx", "-c", file, "-p", dir, "-e", "stderr"); err != nil {
		return nil, err
	}
	return c.ready(ctx)
}

func startHAProxy(ctx context.Context, b *bench, dir string) (*competitor, error) {
	c, err := newCompetitor(haproxy)
	if err != nil {
		return nil, err
	}
	host := func(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
	file, err := write(dir, "haproxy.cfg", fmt.Sprintf(`global
	maxconn 4096
defaults
	mode http
	http-reuse always
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen plain
	bind %[2]s
	http-request set-header Authorization "%[1]s"
	server api %[3]s
listen secure
	bind %[4]s
	http-request set-header Authorization "%[1]s"
	server api %[5]s ssl verify required ca-file %[6]s verifyhost 127.0.0.1
`, authorization, c.plain, host(b.api.plain.URL), c.tls, host(b.api.tls.URL), b.ca))
	if err != nil {
		return nil, err
	}
	if c.process, err = start(ctx, dir, nil, "haproxy", "-db", "-f", file); err != nil {
		return nil, err
	}
	return c.ready(ctx)
}

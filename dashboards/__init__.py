"""Storage -> operators: Grafana dashboards as code, built from named queries over the documented relations."""

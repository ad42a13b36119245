echo no interpreter line "$@"

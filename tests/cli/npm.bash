# Packages of npm, for servers and libraries that are not ours. They are installed once per checkout, in
# build/npm; a test that needs one is skipped by name where npm or the network is missing.

# needs_npm NAME@VERSION...: sets NODE_MODULES, the folder where the packages are
needs_npm() {
    local folder=$TOP/build/npm/${1//\//-} packages=$*

    command -v node >/dev/null && command -v npm >/dev/null || skip 'npm is not there'
    mkdir -p "$folder"
    (
        flock 9
        cd "$folder" || exit 1
        [ "$(cat complete 2>/dev/null)" = "$packages" ] && exit
        npm install --silent --no-audit --no-fund --ignore-scripts --fetch-retries 1 \
            --prefix "$folder" $packages >log 2>&1 && echo "$packages" >complete
    ) 9>"$folder.lock" || skip "npm cannot install $packages"
    NODE_MODULES=$folder/node_modules
}

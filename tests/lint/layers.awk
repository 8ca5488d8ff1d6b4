# Who may include what. Input: the lines of code.awk; -v layers="base row ..." in their order.
# A finding is FILE:LINE: what is wrong; what to do.
BEGIN {
    FS = ":"
    count = split(layers, name, " ")
    for (i = 1; i <= count; i++)
        rank[name[i]] = i
    # A library and the only files that may see its header, directly or through a header of ours.
    home["sqlite3.h"] = "^core/store/|^core/validate/(rules|sandbox)[^/]*$"
    home["curl/curl.h"] = "^core/http/pool[^/]*$"
    home["microhttpd.h"] = "^cmd/genesys-sim/|^core/notify/listener[^/]*$"
    home["openssl/hmac.h"] = "^(core/notify/signature|cmd/genesys-sim/webhooks)[^/]*$"
    home["openssl/sha.h"] = "^core/notify/payload[^/]*$"
    home["zlib.h"] = "^(core/row/input[^/]*|core/store/before[^/]*|cmd/genesys-sim/distort[^/]*)$"
    home["iconv.h"] = "^core/row/encoding[.]c$"
}

function finding(text)
{
    print $1 ":" $2 ": " text
    failed = 1
}

function layer_of(path, part)
{
    split(path, part, "/")
    return part[1] == "core" ? part[2] : ""
}

{
    code = $0
    sub(/^[^:]*:[^:]*:/, "", code)
    if (code !~ /^[ \t]*#[ \t]*include/)
        next
    included = code
    sub(/^[^<"]*[<"]/, "", included)
    sub(/[>"].*/, "", included)
    if ($1 ~ /^tests\//)
        next
    from = layer_of($1)
    to = layer_of(included)
    if (from != "" && included ~ /^(cmd|tests)\//)
        finding("core must not include " included "; pass what it needs as an argument")
    if ($1 ~ /^cmd\// && included ~ /^tests\//)
        finding("a program must not include " included)
    if ($1 ~ /^cmd\/rowferry\// && included ~ /^cmd\/genesys-sim\// ||
        $1 ~ /^cmd\/genesys-sim\// && included ~ /^cmd\/rowferry\//)
        finding("the two programs share core/ only, not " included)
    if (code ~ /"/ && included !~ /^(core|cmd)\//)
        finding("write the path of \"" included "\" from the top folder on")
    if (from != "" && !(from in rank))
        finding("core/" from " is not a layer; add it to LAYERS in the Makefile")
    else if (to != "" && !(to in rank))
        finding("core/" to " is not a layer; add it to LAYERS in the Makefile")
    else if (from != "" && to != "" && rank[to] > rank[from])
        finding("core/" from " comes before core/" to " in LAYERS and must not include " included \
                "; move the code, or turn the dependency round")
    sees[$1] = sees[$1] " " included
    at[$1, included] = $2
}

# A file that includes a header that includes sqlite3.h has sqlite3.h.
function reaches(path, library, seen, part, i, n)
{
    if ((path, library) in seen)
        return 0
    seen[path, library] = 1
    n = split(sees[path], part, " ")
    for (i = 1; i <= n; i++)
        if (part[i] == library)
            return 1
    for (i = 1; i <= n; i++)
        if (part[i] ~ /\// && reaches(part[i], library, seen))
            return 1
    return 0
}

END {
    for (path in sees) {
        n = split(sees[path], part, " ")
        for (library in home) {
            if (path ~ home[library])
                continue
            for (i = 1; i <= n; i++) {
                delete seen
                if (part[i] == library || reaches(part[i], library, seen))
                    print path ":" at[path, part[i]] ": " part[i] \
                        (part[i] == library ? " is" : " brings in " library ", which is") \
                        " for files that match " home[library] " only; go through their functions"
                else
                    continue
                failed = 1
            }
        }
    }
    exit failed
}

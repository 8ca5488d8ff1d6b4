#include "core/api/request.h"

bool api_request_add(const struct api_request *request, struct target_scratch *scratch,
                     enum target_method *method, struct buf *url, struct buf *body)
{
    buf_append_text(url, request->api_url);
    return target_request(request->target, request->kind, &request->row, scratch, method, url,
                          body);
}

void api_request_fill(const struct api_request *request, enum target_method method,
                      struct target_scratch *scratch, struct http_field fields[TARGET_HEADERS],
                      struct buf *url, struct buf *body, struct http_request *http)
{
    static const enum http_method methods[TARGET_METHODS] = {[TARGET_GET] = HTTP_GET,
                                                             [TARGET_PUT] = HTTP_PUT,
                                                             [TARGET_PATCH] = HTTP_PATCH,
                                                             [TARGET_POST] = HTTP_POST};
    struct target_header headers[TARGET_HEADERS];

    http->url = buf_text(url);
    http->method = methods[method];
    http->wanted = target_token_header(request->target, request->kind != TARGET_READ_IT);
    if (method != TARGET_GET) {
        http->content_type = "application/json";
        http->body = buf_span(body);
    }
    target_headers(request->target, request->kind, request->row.token, scratch, headers,
                   &http->content_type);
    for (size_t i = 0; i < TARGET_HEADERS; i++) {
        fields[i] = (struct http_field){headers[i].name, headers[i].value};
        if (!headers[i].name)
            break;
    }
    if (headers[0].name)
        http->fields = fields;
}

bool api_request_build(const struct api_request *request, struct target_scratch *scratch,
                       struct http_field fields[TARGET_HEADERS], struct buf *url, struct buf *body,
                       struct http_request *http)
{
    const struct description_bulk *bulk = &target_description(request->target)->bulk;
    enum target_method method = TARGET_GET;

    buf_append_text(body, request->kind == TARGET_SEVERAL ? bulk->head : "");
    if (!api_request_add(request, scratch, &method, url, body))
        return false;
    buf_append_text(body, request->kind == TARGET_SEVERAL ? bulk->tail : "");
    api_request_fill(request, method, scratch, fields, url, body, http);
    return true;
}

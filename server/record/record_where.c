/* The client of an event: address, program and place. An address is kept as text, and, where it can be parsed, as 16
 * bytes in the header, by which filters compare. */
#include "record/record_parts.h"

#include "record/country.h"

#include <arpa/inet.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>

static void put_geolocation(struct record_maker *m, struct json where, Okta__Connector__V1__GeographicalContext *g)
{
    double lat, lon;
    Okta__Connector__V1__Geolocation *l;

    if (!json_double(json_get(where, "lat"), &lat) || !json_double(json_get(where, "lon"), &lon) || !(lat >= -90) ||
        !(lat <= 90) || !(lon >= -180) || !(lon <= 180))
        return;
    l = record_take(m, sizeof *l);
    okta__connector__v1__geolocation__init(l);
    l->lat = lat;
    l->lon = lon;
    g->geolocation = l;
}

static Okta__Connector__V1__GeographicalContext *make_place(struct record_work *w, struct json place)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(GeographicalContext, "city", city, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(GeographicalContext, "state", state, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(GeographicalContext, "country", country, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(GeographicalContext, "postalCode", postal_code, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__GeographicalContext *g;

    if (json_type(place) != JSON_OBJECT)
        return NULL;
    g = record_take(w->m, sizeof *g);
    okta__connector__v1__geographical_context__init(g);
    RECORD_FILL(w->m, place, g, fields);
    put_geolocation(w->m, json_get(place, "geolocation"), g);
    country_code(view_of(g->country), w->out->country);
    return g;
}

static Okta__Connector__V1__UserAgent *make_user_agent(struct record_maker *m, struct json agent)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(UserAgent, "rawUserAgent", raw_user_agent, RECORD_USER_AGENT_BYTES_MAX),
        RECORD_FIELD(UserAgent, "os", os, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(UserAgent, "browser", browser, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__UserAgent *u;

    if (json_type(agent) != JSON_OBJECT)
        return NULL;
    u = record_take(m, sizeof *u);
    okta__connector__v1__user_agent__init(u);
    RECORD_FILL(m, agent, u, fields);
    return u;
}

static void put_ip(const char *text, uint8_t ip[16])
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    uint8_t four[4];

    if (inet_pton(AF_INET, text, four) == 1) {
        memcpy(ip, mapped, sizeof mapped);
        memcpy(ip + sizeof mapped, four, sizeof four);
    } else if (inet_pton(AF_INET6, text, ip) != 1) {
        memset(ip, 0, 16);
    }
}

void record_put_client(struct record_work *w)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(Client, "id", id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Client, "ipAddress", ip_address, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Client, "device", device, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(Client, "zone", zone, RECORD_TEXT_BYTES_MAX),
    };
    struct json client = json_get(w->event, "client");
    Okta__Connector__V1__Client *c;

    if (json_type(client) != JSON_OBJECT)
        return;
    c = record_take(w->m, sizeof *c);
    okta__connector__v1__client__init(c);
    RECORD_FILL(w->m, client, c, fields);
    if (strcmp(c->zone, "null") == 0)
        c->zone = RECORD_EMPTY;
    c->user_agent = make_user_agent(w->m, json_get(client, "userAgent"));
    c->geographical_context = make_place(w, json_get(client, "geographicalContext"));
    put_ip(c->ip_address, w->out->ip);
    w->login->client = c;
}

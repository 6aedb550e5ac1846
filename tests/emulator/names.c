#include "names.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

const struct name first_names[] = {
    { "Anna", "anna" },       { "Bo", "bo" },          { "Chidi", "chidi" },       { "Dmitri", "dmitri" },
    { "Élodie", "elodie" },   { "Farah", "farah" },    { "Göran", "goran" },       { "Hannah", "hannah" },
    { "İpek", "ipek" },       { "Jürgen", "jurgen" },  { "Kwame", "kwame" },       { "Łukasz", "lukasz" },
    { "Maria", "maria" },     { "Nguyễn", "nguyen" },  { "Olga", "olga" },         { "Pedro", "pedro" },
    { "Quentin", "quentin" }, { "Ravi", "ravi" },      { "Søren", "soren" },       { "Tomás", "tomas" },
    { "Ursula", "ursula" },   { "Valentina", "vale" }, { "小明", "xiaoming" },     { "Yuki", "yuki" },
    { "Zoë", "zoe" },         { "Åsa", "asa" },        { "Владимир", "vladimir" }, { "عائشة", "aisha" },
    { "José", "jose" },       { "Grace 🎉", "grace" },  { "Sam", "sam" },           { "Priya", "priya" },
};
const size_t first_names_count = COUNT(first_names);

const struct name last_names[] = {
    { "Berg", "berg" },           { "Okafor", "okafor" },   { "O'Neill", "oneill" },  { "Müller", "muller" },
    { "Sánchez", "sanchez" },     { "Ivanova", "ivanova" }, { "Tanaka", "tanaka" },   { "van der Meer", "vandermeer" },
    { "Nowak", "nowak" },         { "Åkesson", "akesson" }, { "Dubois", "dubois" },   { "Kim", "kim" },
    { "Patel", "patel" },         { "Rossi", "rossi" },     { "Haddad", "haddad" },   { "Yılmaz", "yilmaz" },
    { "Smith-Jones", "smithj" },  { "Ødegård", "odegard" }, { "Novák", "novak" },     { "Costa", "costa" },
    { "Fernández", "fernandez" }, { "田中", "tanaka" },     { "Mbeki", "mbeki" },     { "Johansson", "johansson" },
    { "Weiß", "weiss" },          { "Lee", "lee" },         { "Petrović", "petrov" }, { "Walker", "walker" },
};
const size_t last_names_count = COUNT(last_names);

#define PLACE(city, state, country, postal, lat, lon)                                                                  \
    {                                                                                                                  \
        country, "{\"city\":" city ",\"state\":" state ",\"country\":\"" country "\",\"postalCode\":" postal           \
                 ",\"geolocation\":{\"lat\":" lat ",\"lon\":" lon "}}"                                                 \
    }

const struct place places[] = {
    PLACE("\"Uppsala\"", "\"Uppsala County\"", "Sweden", "\"752 20\"", "59.85", "17.63"),
    PLACE("\"Zürich\"", "\"Zurich\"", "Switzerland", "\"8001\"", "47.3682", "8.5671"),
    PLACE("\"São Paulo\"", "\"São Paulo\"", "Brazil", "\"01000-000\"", "-23.5475", "-46.6361"),
    PLACE("\"Austin\"", "\"Texas\"", "United States", "\"78701\"", "30.2713", "-97.7426"),
    PLACE("\"Portland\"", "\"Oregon\"", "United States", "\"97201\"", "45.5074", "-122.6898"),
    PLACE("\"Bengaluru\"", "\"Karnataka\"", "India", "\"560001\"", "12.9634", "77.5855"),
    PLACE("\"Tōkyō\"", "null", "Japan", "\"100-0001\"", "35.6893", "139.6899"),
    PLACE("\"Lagos\"", "\"Lagos\"", "Nigeria", "null", "6.4474", "3.3903"),
    PLACE("\"Dublin\"", "\"Leinster\"", "Ireland", "\"D02\"", "53.3382", "-6.2591"),
    PLACE("\"Kraków\"", "\"Lesser Poland\"", "Poland", "\"30-001\"", "50.0614", "19.9366"),
    PLACE("null", "null", "Singapore", "null", "1.3667", "103.8"),
    PLACE("\"Melbourne\"", "\"Victoria\"", "Australia", "\"3000\"", "-37.8159", "144.9669"),
};
const size_t places_count = COUNT(places);

const struct agent agents[] = {
    { "Mozilla/5.0 (X11; Linux x86_64) ExampleBrowser/1.0", "Linux", "FIREFOX", "Computer" },
    { "Mozilla\\/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit\\/537.36 (KHTML, like Gecko) Chrome\\/126.0.0.0 "
      "Safari\\/537.36",
      "Mac OS X", "CHROME", "Computer" },
    { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
      "Safari/537.36 Edg/126.0.0.0",
      "Windows 10", "EDGE", "Computer" },
    { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
      "Mobile/15E148 Safari/604.1",
      "iOS (iPhone)", "SAFARI", "Mobile" },
    { "Mozilla/5.0 (Linux; Android 14; ex\\u00e4mple \\\"Pro\\\") AppleWebKit/537.36 Chrome/126.0.0.0 Mobile "
      "Safari/537.36",
      "Android 14.x", "CHROME", "Mobile" },
    { "example-cli/2.1 (\\ud83d\\ude80; +https:\\/\\/acme.example\\/cli)", "Unknown", "UNKNOWN", "Unknown" },
};
const size_t agents_count = COUNT(agents);

const struct app_name app_names[] = {
    { "acme_wiki_1", "Acme Wiki", "SAML_2_0", "SAML 2.0" },
    { "oidc_client", "Acme Timesheets", "OPENID_CONNECT", "OpenID Connect" },
    { "example_chat", "Example Chat", "SAML_2_0", "SAML 2.0" },
    { "example_mail", "Example Mail", "SAML_2_0", "SAML 2.0" },
    { "example_crm", "Kundenportal (Überblick)", "SAML_2_0", "SAML 2.0" },
    { "oidc_client", "Payroll", "OPENID_CONNECT", "OpenID Connect" },
    { "example_repo", "Example Repositories", "SAML_2_0", "SAML 2.0" },
    { "example_board", "Boards & Tickets", "SAML_2_0", "SAML 2.0" },
    { "bookmark", "Cafeteria menu", "BOOKMARK", "Bookmark" },
    { "oidc_client", "経費精算", "OPENID_CONNECT", "OpenID Connect" },
    { "example_bi", "Example Insights", "SAML_2_0", "SAML 2.0" },
    { "example_legacy", "Legacy travel desk", "AUTO_LOGIN", "Auto Login" },
};
const size_t app_names_count = COUNT(app_names);

const char *const departments[] = { "Finance", "Engineering", "People", "Försäljning", "Support", "Legal" };
const size_t departments_count = COUNT(departments);

const char *const strangers[] = {
    "root", "admin@acme.example", "Sommer2026!", "anna.berg@acme.exmaple", "jürgen", "test@example.com",
};
const size_t strangers_count = COUNT(strangers);

const char *const group_names[] = {
    "Everyone", "Finance", "Engineering", "People",     "Försäljning", "Support",
    "Legal",    "Berlin",  "Contractors", "VPN access", "On call",     "Admins",
};
const size_t group_names_count = COUNT(group_names);

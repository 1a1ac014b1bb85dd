/*
 * proxies: a list of networks. Each proxy adds to the end of X-Forwarded-For whom it speaks for, so the header is read
 * from its end for as long as who wrote the entry is believed; what stands before that anyone may have made up.
 */
#include "access/proxies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	ADDRESS_TEXT_MAX = 64
};

/* IPv4 stands in IPv6's ::ffff:0:0/96. */
typedef struct Network
{
	struct in6_addr address;
	unsigned bits;
} Network;

struct Proxies
{
	bool has_unix;
	size_t count;
	Network networks[];
};

static struct in6_addr
mapped(const struct in_addr *four)
{
	struct in6_addr address = { { { [10] = 0xff, [11] = 0xff } } };

	memcpy(address.s6_addr + 12, four, 4);
	return address;
}

static bool
parse_address(const char *text, struct in6_addr *address)
{
	struct in_addr four;

	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (inet_pton(AF_INET, text, &four) != 1)
		return false;
	*address = mapped(&four);
	return true;
}

/* ADDRESS or ADDRESS/BITS */
static bool
parse_network(char *text, Network *network)
{
	char *slash = strchr(text, '/');
	unsigned most = strchr(text, ':') == NULL ? 32 : 128;
	unsigned long bits = most;
	char *end;

	if (slash != NULL)
	{
		*slash = '\0';
		bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most)
			return false;
	}
	network->bits = (unsigned) bits + 128 - most;
	return parse_address(text, &network->address);
}

static bool
add_entry(Proxies *proxies, char *entry)
{
	if (strcmp(entry, "unix") == 0)
		return proxies->has_unix = true;
	return parse_network(entry, &proxies->networks[proxies->count++]);
}

Proxies *
proxies_read(const char *list, char *error, size_t error_size)
{
	Proxies *proxies = calloc(1, sizeof(*proxies) + (strlen(list) + 1) * sizeof(Network));
	char *copy = strdup(list);
	char *rest = NULL;
	bool fine = true;

	for (char *entry = strtok_r(copy, ", ", &rest); entry != NULL && fine; entry = strtok_r(NULL, ", ", &rest))
	{
		snprintf(error, error_size, "\"%s\" is no address, no network and not \"unix\"", entry);
		fine = add_entry(proxies, entry);
	}
	free(copy);
	if (fine)
		return proxies;
	free(proxies);
	return NULL;
}

void
proxies_dispose(Proxies *proxies)
{
	free(proxies);
}

static bool
is_within(const struct in6_addr *address, const Network *network)
{
	unsigned bytes = network->bits / 8;
	unsigned rest = network->bits % 8;

	return memcmp(address->s6_addr, network->address.s6_addr, bytes) == 0 &&
		   (rest == 0 || (address->s6_addr[bytes] ^ network->address.s6_addr[bytes]) >> (8 - rest) == 0);
}

static bool
is_proxy(const Proxies *proxies, const struct in6_addr *address)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (is_within(address, &proxies->networks[i]))
			return true;
	return false;
}

bool
proxies_include(const Proxies *proxies, const struct sockaddr *peer)
{
	struct in6_addr address;

	if (peer == NULL)
		return proxies->has_unix;
	if (peer->sa_family == AF_INET6)
		address = ((const struct sockaddr_in6 *) peer)->sin6_addr;
	else if (peer->sa_family == AF_INET)
		address = mapped(&((const struct sockaddr_in *) peer)->sin_addr);
	else
		return false;
	return is_proxy(proxies, &address);
}

/* An entry: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80. */
static bool
parse_entry(const char *entry, size_t length, struct in6_addr *address)
{
	char text[ADDRESS_TEXT_MAX];
	char *port;

	if (length >= sizeof(text) || memchr(entry, '\0', length) != NULL)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int) length, entry);
	if (text[0] == '[')
	{
		port = strchr(text, ']');
		if (port == NULL || (port[1] != '\0' && port[1] != ':'))
			return false;
		*port = '\0';
		return inet_pton(AF_INET6, text + 1, address) == 1;
	}
	port = strchr(text, ':');
	if (port != NULL && strchr(port + 1, ':') == NULL)
		*port = '\0';
	return parse_address(text, address);
}

static void
write_address(const struct in6_addr *address, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (IN6_IS_ADDR_V4MAPPED(address))
	{
		out->ss_family = AF_INET;
		memcpy(&((struct sockaddr_in *) out)->sin_addr, address->s6_addr + 12, 4);
	}
	else
	{
		out->ss_family = AF_INET6;
		((struct sockaddr_in6 *) out)->sin6_addr = *address;
	}
}

/* Takes the last entry off the header, without the blanks around it; false where there is none left. */
static bool
take_last(const char *header, size_t *length, const char **entry, size_t *entry_length)
{
	size_t end = *length;
	size_t start;

	while (end > 0 && strchr(", \t", header[end - 1]) != NULL)
		end--;
	for (start = end; start > 0 && header[start - 1] != ','; start--)
		;
	*length = start;
	while (start < end && (header[start] == ' ' || header[start] == '\t'))
		start++;
	*entry = header + start;
	*entry_length = end - start;
	return end > start;
}

bool
proxies_find_client(const Proxies *proxies, const char *header, size_t length, struct sockaddr_storage *client)
{
	const char *entry;
	size_t entry_length;
	struct in6_addr address;
	bool found = false;

	while (take_last(header, &length, &entry, &entry_length))
	{
		if (!parse_entry(entry, entry_length, &address))
			return false;
		found = true;
		if (!is_proxy(proxies, &address))
			break;
	}
	if (found)
		write_address(&address, client);
	return found;
}

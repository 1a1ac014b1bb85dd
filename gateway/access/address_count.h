/*
 * address_count: how many connections each address has, shared by all threads. Addresses of IPv6 count by their /64.
 */
#ifndef ADDRESS_COUNT_H
#define ADDRESS_COUNT_H

#include <stdbool.h>
#include <sys/socket.h>

enum
{
	ADDRESS_KEY_LENGTH = 9
};

/* An address as the limits know it: its family and its first bytes. */
typedef struct AddressKey
{
	unsigned char bytes[ADDRESS_KEY_LENGTH];
} AddressKey;

AddressKey address_key(const struct sockaddr *address);

typedef struct AddressCount AddressCount;

AddressCount *address_count_create(void);
void address_count_dispose(AddressCount *counts);

/* One connection more, unless the address has as many as limit already. */
bool address_count_add(AddressCount *counts, AddressKey key, unsigned limit);
void address_count_remove(AddressCount *counts, AddressKey key);

#endif

/*
 * service: what systemd is told, where it started parleyd with Type=notify; elsewhere nothing happens.
 */
#ifndef SERVICE_H
#define SERVICE_H

/* A state such as READY=1. */
void service_notify(const char *state);

#endif

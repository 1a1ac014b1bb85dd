build/config.o: config.c config.h settings.h version.h
config.h:
settings.h:
version.h:

// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs all scenarios: accuracy RATE. Prints the labels, then waits: see scenario.h. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

static double began, rate;

static double clock_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double now(void)
{
	return clock_seconds() - began;
}

void pause_for(double seconds)
{
	struct timespec time = {
		(time_t)seconds,
		(long)((seconds - (double)(time_t)seconds) * 1e9),
	};

	nanosleep(&time, NULL);
}

double chance(struct pace *pace)
{
	pace->random = pace->random * 1103515245u + 12345u;
	return (pace->random >> 8 & 0xffff) / 65536.0;
}

double waiting(struct pace *pace, double mean)
{
	return -mean * log(1 - chance(pace));
}

void pace_next(struct pace *pace, double per_second)
{
	pause_for(waiting(pace, 1 / (per_second * pace->rate)));
}

void ends_add(struct endings *endings, double at, void *block)
{
	if (endings->count == sizeof(endings->items) / sizeof(*endings->items))
		abort();
	endings->items[endings->count++] = (struct ending){ at, block };
}

void ends_free(struct endings *endings)
{
	double time = now();
	size_t kept = 0;

	for (size_t i = 0; i < endings->count; i++)
		if (endings->items[i].at > time)
			endings->items[kept++] = endings->items[i];
		else
			free(endings->items[i].block);
	endings->count = kept;
}

static void *start(void *context)
{
	const struct scenario *scenario = context;
	struct pace pace = { .rate = rate };

	for (const char *c = scenario->name; *c; c++)
		pace.random = pace.random * 31 + (unsigned char)*c;
	scenario->run(&pace);
	for (;;)
		pause();
	return NULL;
}

static void start_all(const struct scenario *scenarios)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 1 << 18);
	for (; scenarios->name; scenarios++)
		if (pthread_create(&thread, &attributes, start,
				   (void *)scenarios))
			abort();
}

static void label(const struct scenario *scenarios)
{
	for (; scenarios->name; scenarios++)
		printf("%s %d %d\n", scenarios->name, scenarios->leaks,
		       scenarios->held_out);
}

int main(int argc, char **argv)
{
	char line[8];

	rate = argc > 1 ? atof(argv[1]) : 1;
	label(leaks);
	label(decoys);
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	began = clock_seconds();
	start_all(leaks);
	start_all(decoys);
	while (fgets(line, sizeof(line), stdin))
		;
	_exit(0);
}

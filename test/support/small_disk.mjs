// A disk of a few megabytes for one of a cluster's tables, which can be filled. Only root can mount it.

import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./database.mjs";

export class SmallDisk {
	static async mount(t, cluster, table) {
		const directory = mkdtempSync("/tmp/parley-test-");
		await run("mount", ["-t", "tmpfs", "-o", "size=16m,mode=777", "tmpfs", directory]);
		t.after(async () => {
			await run("umount", ["--lazy", directory]);
			rmdirSync(directory);
		});
		const space = join(directory, "space");
		await cluster.makeDirectory(space);
		await cluster.psql(`CREATE TABLESPACE small LOCATION '${space}'`);
		await cluster.psql(`ALTER TABLE ${table} SET TABLESPACE small`);
		return Object.assign(new SmallDisk(), { filler: join(directory, "filler") });
	}

	fill() {
		try {
			writeFileSync(this.filler, Buffer.alloc(32 << 20));
		} catch (error) {
			if (error.code !== "ENOSPC") throw error;
		}
	}

	empty() {
		rmSync(this.filler);
	}
}

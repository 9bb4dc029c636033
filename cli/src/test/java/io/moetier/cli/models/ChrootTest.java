package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A chroot in a plain folder, as builders of Debian's packages have it: nothing says on which disk its root is.
class ChrootTest {
    /// Runs the rest of the command line where the root is $0, a folder in which all folders of the root are mounted.
    private static final String IN_FOLDER = """
            for entry in /*; do
              if [ -L "$entry" ]; then cp -P "$entry" "$0$entry"
              elif [ -d "$entry" ]; then mkdir "$0$entry" && mount --rbind "$entry" "$0$entry" || exit
              fi
            done
            exec chroot "$0" "$@"
            """;

    @TempDir
    Path directory;

    @Test
    void aModelIsImportedWhereTestsMayMount() throws IOException, InterruptedException {
        // a user who may not mount in a namespace of his own checks nothing here
        if (ChildProcess.run(new ProcessBuilder(inFolder("trial", "true"))).exitCode() == 0) {
            Path log = directory.resolve("log");
            Path store = directory.resolve("tiny.mtier");
            int exitCode = CommandLineRun.await(
                    log, inFolder("root"), "import", TestData.tinyMixtral().toString(), "--out", store.toString());
            assertEquals(0, exitCode, Files.readString(log));
            assertTrue(Files.exists(store.resolve("manifest.json")));
        }
    }

    private List<String> inFolder(String name, String... command) throws IOException {
        Path root = Files.createDirectory(directory.resolve(name));
        return Stream.concat(
                        Stream.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", IN_FOLDER),
                        Stream.concat(Stream.of(root.toString()), Stream.of(command)))
                .toList();
    }
}

package io.moetier.storage.expert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;

/// Reads and writes past the page cache (`O_DIRECT`), where the file system does that for whole pages.
final class DirectIo {
    private DirectIo() {}

    /// Returns the option to open existing files with; opening them may still fail.
    ///
    /// @throws IOException if this Java or the file system does not do that, with its reason
    static OpenOption optionFor(List<Path> files) throws IOException {
        for (Path file : files) {
            long unit = Files.getFileStore(file).getBlockSize();
            if (BlockLayout.PAGE_BYTES % unit != 0) {
                throw new IOException("the file system's blocks of " + unit + " bytes do not divide a page");
            }
        }
        return option();
    }

    /// Finds the JDK's option by name: javac warns of its class wherever it is mentioned, and no annotation stops that.
    private static OpenOption option() throws IOException {
        try {
            for (Object option :
                    Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
                if (option.toString().equals("DIRECT")) {
                    return (OpenOption) option;
                }
            }
            throw new IOException("this Java has no direct reads and writes");
        } catch (ClassNotFoundException e) {
            throw new IOException("this Java has no direct reads and writes", e);
        }
    }
}

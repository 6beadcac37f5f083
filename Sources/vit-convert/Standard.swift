import ViTToolkit

/// The standard streams. Results go to output, everything else to error.
struct Standard: TextOutputStream {
    private let descriptor: Int32
    private let terminal: Terminal

    static let output = Standard(descriptor: STDOUT_FILENO, terminal: .output)
    static let error = Standard(descriptor: STDERR_FILENO, terminal: .error)

    /// Writes all of the text; a reader that went away ends the command quietly, as other commands do, and what
    /// else keeps results from being written is an error.
    func write(_ string: String) {
        let text = Self.harmless(string)
        let isJSON = text.hasPrefix("{") || text.hasPrefix("[")
        Meter.aside { send(terminal.hasColour && !isJSON ? Paint.paint(text) : text) }
    }

    private func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { platformWrite(descriptor, $0) }
            if count < 0 {
                if errno == EINTR { continue }
                guard descriptor == STDOUT_FILENO, errno != EPIPE else { return }
                Self.error.send("vit-convert: standard output: \(SystemMessage.text(for: errno))\n")
                exit(2)
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Names and texts come from files of strangers: what a terminal would take for a command is shown, not sent.
    static func harmless(_ string: String) -> String {
        // In UTF-8 the further controls of Latin-1 begin with 0xC2.
        let isPlain = string.utf8.allSatisfy {
            $0 >= 0x20 && $0 != 0x7F && $0 != 0xC2 || $0 == 0x0A || $0 == 0x09
        }
        guard !isPlain else { return string }
        func isCommand(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
        }
        return string.unicodeScalars.reduce(into: "") { text, scalar in
            text += isCommand(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
    }

    /// Remarks, a line each.
    static func remark(_ remarks: [String]) {
        guard !TalkArguments.isQuiet else { return }
        for remark in remarks { error.write("remark: \(remark)\n") }
    }

    func print(_ text: String) { write(text + "\n") }

    static func print(_ text: String) { output.print(text) }
}

private func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

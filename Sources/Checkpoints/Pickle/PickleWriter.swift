/// Writes a pickle of protocol 2, opcode by opcode (CPython, `Lib/pickletools.py`).
struct PickleWriter {
    private(set) var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
    /// Where in the memo the globals and texts stand that occur again and again.
    private var memo: [String: Int] = [:]

    mutating func put(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

    private mutating func put<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    /// Writes what `key` stands for once, and from then on a reference to it.
    private mutating func once(_ key: String, _ write: (inout Self) -> Void) {
        if let index = memo[key] {
            if let short = UInt8(exactly: index) {
                put(.binGet)
                put(short)
            } else {
                put(.longBinGet)
                put(UInt32(index))
            }
            return
        }
        write(&self)
        let index = memo.count
        memo[key] = index
        if let short = UInt8(exactly: index) {
            put(.binPut)
            put(short)
        } else {
            put(.longBinPut)
            put(UInt32(index))
        }
    }

    mutating func global(_ module: String, _ name: String) {
        once("\(module)\n\(name)\n") { writer in
            writer.put(.global)
            writer.bytes += Array("\(module)\n\(name)\n".utf8)
        }
    }

    /// A text that occurs once. It takes less than 4 GiB.
    mutating func text(_ text: String) {
        let utf8 = Array(text.utf8)
        put(.binUnicode)
        put(UInt32(utf8.count))
        bytes += utf8
    }

    /// A text that occurs again and again.
    mutating func repeated(text: String) {
        once(text) { $0.text(text) }
    }

    mutating func integer(_ value: Int) {
        if let value = UInt8(exactly: value) {
            put(.binInt1)
            put(value)
        } else if let value = UInt16(exactly: value) {
            put(.binInt2)
            put(value)
        } else if let value = Int32(exactly: value) {
            put(.binInt)
            put(value)
        } else {
            put(.long1)
            put(UInt8(8))
            put(Int64(value))
        }
    }

    mutating func tuple(_ values: [Int]) {
        if values.count > 3 { put(.mark) }
        for value in values { integer(value) }
        switch values.count {
        case 0: put(.emptyTuple)
        case 1: put(.tuple1)
        case 2: put(.tuple2)
        case 3: put(.tuple3)
        default: put(.tuple)
        }
    }

    /// A call of a global without arguments.
    mutating func call(_ module: String, _ name: String) {
        global(module, name)
        put(.emptyTuple)
        put(.reduce)
    }
}

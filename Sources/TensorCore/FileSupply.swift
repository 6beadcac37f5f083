/// Brings the bytes of a file that stands elsewhere, when they are read.
package protocol FileSupply: Sendable {
    /// Has the bytes of a range in the file; those that are there stay as they are.
    ///
    /// - Throws: `ByteError.remote`, from then on each time: a reader may take the first failure for something else.
    func provide(_ range: Range<Int>, in descriptor: Int32) throws(ByteError)

    /// Has those parts of ranges fetched together that are not there, where that is quicker than one after another. A
    /// failure is told when they are read.
    func expect(_ ranges: [Range<Int>], in descriptor: Int32)

    /// The failure that it keeps throwing.
    var failure: ByteError? { get }

    /// Whether all bytes are there.
    var isComplete: Bool { get }

    /// Whether all bytes may be fetched for a reader that takes nothing less.
    var mayFetchAll: Bool { get }
}

extension ByteRegion {
    /// The first failure to read the file that its bytes are in.
    package var readFailure: ByteError? { filePlace?.file.failure }

    /// Tells of ranges that are soon going to be read; those beyond the end are passed over. Of a file that is here,
    /// this does nothing.
    package func expect(_ ranges: @autoclosure () -> [Range<Int>]) {
        guard let (file, offset) = filePlace, let supply = file.supply else { return }
        let places = ranges().compactMap { range -> Range<Int>? in
            guard range.lowerBound >= 0, range.lowerBound < count else { return nil }
            return offset + range.lowerBound..<offset + min(range.upperBound, count)
        }
        supply.expect(places, in: file.descriptor)
    }
}

extension OpenFile {
    /// Whether some bytes of it are still to be fetched.
    package var isPartial: Bool { supply.map { !$0.isComplete } ?? false }

    /// Has all bytes fetched that are not there.
    package func fetch() throws(ByteError) {
        try supply?.provide(0..<size, in: descriptor)
    }

    /// The descriptor, for a reader that goes by it alone.
    ///
    /// - Parameter reader: its name.
    package func completeDescriptor(for reader: String) throws(ByteError) -> Int32 {
        if let supply, !supply.isComplete, !supply.mayFetchAll {
            if let failure = supply.failure { throw failure }
            throw ByteError(
                .remote(
                    "\(reader) has to read this file, and can only when all its \(size) bytes are here: "
                        + "download it first"),
                offset: 0)
        }
        try fetch()
        return descriptor
    }
}

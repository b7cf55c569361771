//! `--format parquet`: typed columns, for tools that analyse.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{BooleanBuilder, Date32Builder, Int64Builder, StringBuilder},
};
use arrow_schema::{ArrowError, DataType, Field as Column, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde_json::Value;
use shilu_model::{Day, FieldType, Kind};

use super::{about::About, out::Out};
use crate::{Done, error::CliError, wire};

/// Rows per batch: memory stays small, and a column's pages still compress well.
const BATCH_ROWS: usize = 16_384;

/// A file that is being written.
pub struct ParquetFile {
    writer: ArrowWriter<Out>,
    schema: Arc<Schema>,
    columns: Vec<Builder>,
    rows: usize,
}

/// A column that is being filled.
enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
}

impl ParquetFile {
    /// Begins with the schema: the kind's fields, by id. Decimals are text, since any number of digits is kept.
    pub fn new(kind: &Kind, out: Out) -> Result<Self, CliError> {
        let columns = kind.fields.iter().map(|field| Builder::new(&field.field_type));
        let columns: Vec<Builder> = columns.collect();
        let fields = kind.fields.iter().zip(&columns);
        let fields = fields.map(|(field, column)| Column::new(&field.id, column.data_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()));
        Ok(ParquetFile {
            writer: writer.map_err(failed)?,
            schema,
            columns,
            rows: 0,
        })
    }

    /// Writes a record: its values in the fields' order.
    pub fn write<'v>(&mut self, values: impl Iterator<Item = Option<&'v Value>>) -> Done {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append(value);
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Done {
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        self.rows = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|error: ArrowError| CliError::output(std::io::Error::other(error.to_string())))?;
        self.writer.write(&batch).map_err(failed)
    }

    /// Writes what is left and what this is.
    pub fn finish(mut self, about: &About) -> Done {
        if self.rows > 0 {
            self.flush()?;
        }
        let told = [
            ("shilu.origin", about.origin.clone()),
            ("shilu.kind", about.kind.clone()),
            ("shilu.as_of_position", about.as_of_position.clone()),
            ("shilu.as_of", about.as_of.clone()),
            ("shilu.effective", about.effective.clone()),
            ("shilu.status", about.status.to_owned()),
            (
                "shilu.left_out",
                about.left_out(|status| status.word().to_owned()),
            ),
            ("shilu.simulated", about.simulated.to_string()),
        ];
        for (key, value) in told {
            self.writer
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.writer.into_inner().map_err(failed)?.finish()
    }
}

impl Builder {
    fn new(field_type: &FieldType) -> Self {
        match field_type {
            FieldType::Integer => Builder::Integer(Int64Builder::new()),
            FieldType::Boolean => Builder::Boolean(BooleanBuilder::new()),
            FieldType::Date => Builder::Date(Date32Builder::new()),
            _ => Builder::Text(StringBuilder::new()),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Builder::Text(_) => DataType::Utf8,
            Builder::Integer(_) => DataType::Int64,
            Builder::Boolean(_) => DataType::Boolean,
            Builder::Date(_) => DataType::Date32,
        }
    }

    fn append(&mut self, value: Option<&Value>) {
        let value = value.filter(|value| !value.is_null());
        match self {
            Builder::Text(column) => column.append_option(value.map(wire::cell)),
            Builder::Integer(column) => column.append_option(value.and_then(Value::as_i64)),
            Builder::Boolean(column) => column.append_option(value.and_then(Value::as_bool)),
            Builder::Date(column) => {
                let day = value
                    .and_then(Value::as_str)
                    .and_then(|text| Day::parse(text).ok());
                column.append_option(day.map(Day::number));
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(column) => Arc::new(column.finish()),
            Builder::Integer(column) => Arc::new(column.finish()),
            Builder::Boolean(column) => Arc::new(column.finish()),
            Builder::Date(column) => Arc::new(column.finish()),
        }
    }
}

fn failed(error: ParquetError) -> CliError {
    CliError::output(std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow_array::{
        Array,
        cast::AsArray,
        types::{Date32Type, Int64Type},
    };
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_typed_and_the_file_says_what_it_is() {
        let campaign = shilu_model::Campaign::parse(crate::export::tests::CAMPAIGN).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.parquet");
        let kind = &campaign.kinds[0];
        let mut file = ParquetFile::new(kind, Out::new(Some(&path)).unwrap()).unwrap();
        let row = [
            json!("007"),
            json!("=1"),
            json!(3),
            json!("12.50"),
            json!(true),
            json!("2015-04-07"),
            Value::Null,
        ];
        file.write(row.iter().map(Some)).unwrap();
        file.write([Some(&row[0]), None, None, None, None, None, None].into_iter())
            .unwrap();
        let about = About {
            origin: "example.org/t".into(),
            simulated: true,
            ..About::default()
        };
        file.finish(&about).unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let told = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap()
            .clone();
        let told = |key: &str| {
            told.iter()
                .find(|told| told.key == key)
                .and_then(|told| told.value.clone())
        };
        assert_eq!(told("shilu.origin").as_deref(), Some("example.org/t"));
        assert_eq!(told("shilu.simulated").as_deref(), Some("true"));
        let batch = reader.build().unwrap().next().unwrap().unwrap();
        assert_eq!(batch.column(0).as_string::<i32>().value(0), "007");
        assert_eq!(batch.column(2).as_primitive::<Int64Type>().value(0), 3);
        assert_eq!(batch.column(3).as_string::<i32>().value(0), "12.50");
        assert!(batch.column(4).as_boolean().value(0));
        assert_eq!(batch.column(5).as_primitive::<Date32Type>().value(0), 16_532);
        assert!(batch.column(2).is_null(1));
    }
}
